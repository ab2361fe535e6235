import { execFile } from "node:child_process";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The folder for what is fetched once and kept. */
export const CACHE = join(import.meta.dirname, "..", ".cache");

/** Options that keep apt-get inside a folder, so that it needs neither root nor the machine's own package lists. */
async function aptOptions(folder: string): Promise<string[]> {
  const [lists, cache] = [join(folder, "apt", "lists"), join(folder, "apt", "cache")];
  await mkdir(join(lists, "partial"), { recursive: true });
  await mkdir(join(cache, "archives", "partial"), { recursive: true });
  const settings = [`Dir::State::lists=${lists}`, `Dir::Cache=${cache}`, "Debug::NoLocking=1", "APT::Sandbox::User="];
  return settings.flatMap((setting) => ["-o", setting]);
}

async function downloadAndUnpack(folder: string, names: readonly string[]): Promise<void> {
  const options = await aptOptions(folder);
  await run("apt-get", [...options, "update", "-qq"]);
  for (const name of names) {
    // A release without this package does not need it; the caller checks that the result works.
    await run("apt-get", [...options, "download", name], { cwd: folder }).catch(() => undefined);
  }
  const packages = (await readdir(folder)).filter((name) => name.endsWith(".deb"));
  for (const name of packages) await run("dpkg-deb", ["-x", join(folder, name), folder]);
}

/**
 * Unpacks packages of Debian or Ubuntu into `.cache/<name>`, replacing what is there. Needs neither root nor an
 * installation. Safe to call from several processes at once: the folder appears only when it is complete.
 *
 * @throws Error of apt-get or dpkg-deb, also where the system has neither.
 */
export async function fetchDebianPackages(name: string, packages: readonly string[]): Promise<void> {
  const [target, draft] = [join(CACHE, name), join(CACHE, `${name}.${process.pid}`)];
  await mkdir(draft, { recursive: true });
  try {
    await downloadAndUnpack(draft, packages);
    await rm(target, { recursive: true, force: true });
    await rename(draft, target);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
