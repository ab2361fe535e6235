import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { MachineError } from "./cores.ts";

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, "../../.cache/bench");
const FLAGS = ["-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra"];

/** No C compiler is there. */
export class NoCompilerError extends MachineError {
  constructor() {
    super(
      "there is no C compiler (cc), which the load client needs. Install one and start again:\n" +
        "  Debian, Ubuntu   sudo apt-get install gcc libc6-dev\n" +
        "  Fedora           sudo dnf install gcc",
    );
  }
}

/**
 * Compiles C files to a program in the cache, unless it is there already, and returns its path.
 *
 * @param sources the files; of a header beside them `headers` have to tell, for a change to be noticed.
 * @throws NoCompilerError, or an Error with what the compiler said.
 */
export async function compile(
  name: string,
  { sources, headers = [] }: { readonly sources: readonly string[]; readonly headers?: readonly string[] },
): Promise<string> {
  const hash = createHash("sha256").update(FLAGS.join(" "));
  for (const file of [...sources, ...headers]) hash.update(basename(file)).update(await readFile(file));
  const program = join(CACHE, `${name}-${hash.digest("hex").slice(0, 12)}`);
  const isThere = await access(program).then(
    () => true,
    () => false,
  );
  if (isThere) return program;
  await mkdir(CACHE, { recursive: true });
  try {
    await run("cc", [...FLAGS, "-o", program, ...sources]);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw new NoCompilerError();
    throw error;
  }
  return program;
}
