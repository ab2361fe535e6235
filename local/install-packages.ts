import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onLines } from "./child-process.ts";

interface LockedPackage {
  readonly version?: string;
  readonly optional?: boolean;
}

const readLock = (folder: string, name: string): Promise<[string, LockedPackage][]> =>
  readFile(join(folder, name), "utf8").then(
    (text) => Object.entries<LockedPackage>(JSON.parse(text).packages),
    () => [],
  );

/** Compares the lock file with the one that npm leaves in `node_modules`, which says what is installed. */
async function isInstalled(folder: string): Promise<boolean> {
  const wanted = await readLock(folder, "package-lock.json");
  const installed = new Map(await readLock(folder, "node_modules/.package-lock.json"));
  return wanted.every(
    ([path, { version, optional = false }]) => path === "" || optional || installed.get(path)?.version === version,
  );
}

async function install(folder: string, onProgress: (text: string) => void): Promise<void> {
  const child = spawn("npm", ["ci", "--prefix", folder, "--no-audit", "--no-fund"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  onLines(child, (line) => {
    log += `${line}\n`;
    onProgress(`npm ci: ${line}`);
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`npm ci --prefix ${folder} failed:\n${log}`);
}

const installing = new Map<string, Promise<void>>();

/**
 * Installs the packages of a folder that has a `package.json` and a lock file of its own, where they are not there
 * yet. For what most people never need: `npm ci` at the root leaves these folders alone.
 *
 * @param notice what to say before a download, with its size.
 * @throws Error with what npm wrote.
 */
export async function installPackages(
  folder: string,
  notice: string,
  onProgress: (text: string) => void,
): Promise<void> {
  if (await isInstalled(folder)) return;
  const pending = installing.get(folder) ?? install(folder, onProgress);
  if (!installing.has(folder)) onProgress(notice);
  installing.set(folder, pending);
  await pending;
}
