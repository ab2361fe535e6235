import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A wall clock for a process, wrong by as much as one likes, with Debian's libfaketime. */
export interface FalseClock {
  /** What the process needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Sets the clock ahead (or behind, where negative) from now on. */
  set(seconds: number): Promise<void>;
  remove(): Promise<void>;
}

async function findLibrary(): Promise<string> {
  for (const folder of await readdir("/usr/lib")) {
    const path = join("/usr/lib", folder, "faketime");
    const names: readonly string[] = await readdir(path).catch(() => []);
    if (names.includes("libfaketime.so.1")) return join(path, "libfaketime.so.1");
  }
  throw new Error("libfaketime.so.1 was not found: apt-get install libfaketime");
}

/** Makes a clock; its time is this machine's until `set` is called. */
export async function createFalseClock(): Promise<FalseClock> {
  const library = await findLibrary();
  const folder = await mkdtemp(join(tmpdir(), "vezta-clock-"));
  const file = join(folder, "time");
  const set = async (seconds: number): Promise<void> => {
    // In one step: a process that reads half a file has no time at all.
    await writeFile(`${file}.new`, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}s\n`);
    await rename(`${file}.new`, file);
  };
  await set(0);
  return {
    environment: {
      // libc before jemalloc, which reads the clock while it starts, as libfaketime allocates while it does.
      LD_PRELOAD: `${library}:libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      // What waits is to wait as long as ever.
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
    },
    set,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
