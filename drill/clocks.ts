import { existsSync, renameSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Finds the library where Debian and Ubuntu have it, which depends on the machine's architecture. */
async function findLibrary(): Promise<string> {
  for (const folder of await readdir("/usr/lib")) {
    const path = join("/usr/lib", folder, "faketime");
    const names: readonly string[] = await readdir(path).catch(() => []);
    if (names.includes("libfaketime.so.1")) return join(path, "libfaketime.so.1");
  }
  throw new Error("libfaketime.so.1 was not found: apt-get install libfaketime, or leave the clock-… faults out");
}

/** Clocks of processes, each of which can be put forward and back while it runs. */
export interface Clocks {
  /** What the process on a port needs in its environment. */
  environmentOf(port: number): Readonly<Record<string, string>>;
  /** Makes the clock of the process on a port differ from the machine's by so many seconds. */
  set(port: number, seconds: number): void;
  close(): Promise<void>;
}

/**
 * Prepares clocks, all right at first.
 *
 * @throws Error where libfaketime is not installed.
 */
export async function createClocks(): Promise<Clocks> {
  const library = await findLibrary();
  const folder = await mkdtemp(join(tmpdir(), "vezta-clocks-"));
  const fileOf = (port: number): string => join(folder, String(port));
  const set = (port: number, seconds: number): void => {
    // Renamed into place: the process reads the file with every look at its clock, and must not find it empty.
    writeFileSync(`${fileOf(port)}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(`${fileOf(port)}.new`, fileOf(port));
  };
  return {
    environmentOf(port) {
      if (!existsSync(fileOf(port))) set(port, 0);
      return {
        // libc before jemalloc: jemalloc reads the clock while it starts, and libfaketime allocates while it starts.
        LD_PRELOAD: `${library} libc.so.6`,
        FAKETIME_TIMESTAMP_FILE: fileOf(port),
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      };
    },
    set,
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
