import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../kernel/as-error.ts";
import { CACHE, fetchDebianPackages } from "./debian-packages.ts";
import { libraryFolders } from "./installed-programs.ts";

const LIBRARY = "libfaketime.so.1";

/** libfaketime was neither found nor fetched; the message says how to install it. */
export class FakeTimeNotFoundError extends Error {
  override readonly name = "FakeTimeNotFoundError";

  constructor(cause: unknown) {
    const reason = messageOf(cause).split("\n")[0];
    super(
      `${LIBRARY} was not found, and could not be fetched with apt-get: ${reason}\n` +
        "Tests and faults that set a wrong clock need it. Install it:\n" +
        "  Debian, Ubuntu   sudo apt-get install libfaketime\n" +
        "  Fedora           sudo dnf install libfaketime\n" +
        "  macOS, Windows   run them on Linux",
      { cause },
    );
  }
}

/** Looks in a `lib` folder as distributions lay it out: directly, or in a folder for the machine's architecture. */
async function findIn(libraries: string): Promise<string | undefined> {
  const architectures: readonly string[] = await readdir(libraries).catch(() => []);
  for (const folder of ["", ...architectures]) {
    const path = join(libraries, folder, "faketime");
    const names: readonly string[] = await readdir(path).catch(() => []);
    if (names.includes(LIBRARY)) return join(path, LIBRARY);
  }
  return undefined;
}

/** @default folders the system's library folders */
export interface FakeTimeOptions {
  readonly folders?: readonly string[];
}

/**
 * Finds libfaketime: where the system has it, in the cache of an earlier call, or, on Debian and Ubuntu, in the
 * distribution's packages, which are then unpacked into `.cache/libfaketime`.
 *
 * @throws FakeTimeNotFoundError
 */
export async function findFakeTime({ folders = libraryFolders }: FakeTimeOptions = {}): Promise<string> {
  const cached = join(CACHE, "libfaketime", "usr", "lib");
  for (const folder of [...folders, cached]) {
    const found = await findIn(folder);
    if (found !== undefined) return found;
  }
  const reason = await fetchDebianPackages("libfaketime", ["libfaketime"]).catch((error: unknown) => error);
  const fetched = await findIn(cached);
  if (fetched === undefined) throw new FakeTimeNotFoundError(reason ?? "the package has no such file");
  return fetched;
}
