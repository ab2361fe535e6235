/** The entry of `vezta`: the only file that touches the process. */
import { createOutput } from "./command/output.ts";
import { runProgram } from "./program.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupt.abort());
// A reader that has seen enough, such as `head`.
process.stdout.on("error", () => interrupt.abort());

process.exitCode = await runProgram(process.argv.slice(2), {
  environment: process.env,
  output: createOutput(process.stdout, process.stderr),
  input: process.stdin,
  signal: interrupt.signal,
});
