import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onLines } from "../../local/child-process.ts";
import { keepTrack } from "./children.ts";

/** The folder of the packages that only this comparison needs. */
export const CONTENDERS = join(import.meta.dirname, "../contenders");

/** The lock file that npm leaves in `node_modules` says what is installed. */
async function isInstalled(): Promise<boolean> {
  const [wanted, installed] = await Promise.all(
    ["package-lock.json", "node_modules/.package-lock.json"].map((name) =>
      readFile(join(CONTENDERS, name), "utf8").then(
        (text) => Object.entries<{ version?: string }>(JSON.parse(text).packages),
        () => [],
      ),
    ),
  );
  const versions = new Map(installed?.map(([path, { version }]) => [path, version]));
  return (wanted ?? []).every(([path, { version }]) => path === "" || versions.get(path) === version);
}

async function install(onProgress: (text: string) => void): Promise<void> {
  if (await isInstalled()) return;
  onProgress("installing the packages of the servers compared (once, about 270 MB)");
  const child = spawn("npm", ["ci", "--prefix", CONTENDERS, "--no-audit", "--no-fund"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  keepTrack(child);
  let log = "";
  onLines(child, (line) => {
    log += `${line}\n`;
    onProgress(`npm ci: ${line}`);
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`npm ci --prefix bench/contenders failed:\n${log}`);
}

let installing: Promise<void> | undefined;

/**
 * Installs the packages where they are not there yet.
 *
 * @throws Error with what npm wrote.
 */
export const installContenders = (onProgress: (text: string) => void): Promise<void> => {
  installing ??= install(onProgress);
  return installing;
};
