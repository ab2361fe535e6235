import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { programFolders } from "../../local/installed-programs.ts";
import { MachineError } from "./cores.ts";
import { type Compiler, fetchCompiler } from "./fetched-compiler.ts";

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, "../../.cache/bench");
const FLAGS = ["-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra"];

/** No C compiler is there, and none could be fetched. */
export class NoCompilerError extends MachineError {
  constructor(cause: unknown) {
    super(
      "there is no C compiler (cc), which the load client needs. Install one and start again:\n" +
        "  Debian, Ubuntu   sudo apt-get install gcc libc6-dev\n" +
        "  Fedora           sudo dnf install gcc",
      { cause },
    );
  }
}

const installed: Compiler = { path: "cc", before: [], after: [] };

async function runCompiler({ path, before, after }: Compiler, program: string, sources: readonly string[]) {
  // biome-ignore lint/style/noProcessEnv: what a compiler finds in it is not configuration of ours
  const env = { ...process.env, PATH: programFolders };
  await run(path, [...FLAGS, ...before, "-o", program, ...sources, ...after], { env });
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Compiles with the machine's compiler, or with one that is fetched where it has none, and returns the program's path. */
async function compileAnyhow(program: string, sources: readonly string[]): Promise<string> {
  try {
    await runCompiler(installed, program, sources);
    return program;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    const fetched = await fetchCompiler().catch((cause: unknown) => {
      throw new NoCompilerError(cause);
    });
    process.emitWarning("There is no C compiler (cc). The load client is compiled with tcc, too slow for figures.");
    // Under a name of its own, so that a compiler which is installed later is used.
    const slow = `${program}-tcc`;
    if (!(await exists(slow))) await runCompiler(fetched, slow, sources);
    return slow;
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
  if (await exists(program)) return program;
  await mkdir(CACHE, { recursive: true });
  return compileAnyhow(program, sources);
}
