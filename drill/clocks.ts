import { existsSync, renameSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFakeTime } from "../local/fake-time.ts";

/** Clocks of processes, each of which can be put forward and back while it runs. */
export interface Clocks {
  /** Returns the variables that the process on a port needs. */
  environmentOf(port: number): Readonly<Record<string, string>>;
  /** Sets the clock of the process on a port ahead of the machine's by a number of seconds, or behind where negative. */
  set(port: number, seconds: number): void;
  close(): Promise<void>;
}

/**
 * Prepares clocks, all right at first.
 *
 * @throws FakeTimeNotFoundError where libfaketime is neither installed nor in the distribution's packages.
 */
export async function createClocks(): Promise<Clocks> {
  const found = await findFakeTime();
  const folder = await mkdtemp(join(tmpdir(), "vezta-clocks-"));
  // LD_PRELOAD separates its entries by spaces and colons, which the path of the repository may have.
  const library = join(folder, "libfaketime.so.1");
  await symlink(found, library);
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
