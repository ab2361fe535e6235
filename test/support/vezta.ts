import { execFile, spawn } from "node:child_process";
import { join } from "node:path";

const ENTRY = join(import.meta.dirname, "../../cli/vezta.js");

/** One run of the command-line tool. */
export interface VeztaRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface VeztaOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Standard input. @default empty */
  readonly input?: string;
}

/** Runs `vezta` as a person does, in a process of its own. */
export const vezta = (
  values: readonly string[],
  { environment = {}, input = "" }: VeztaOptions = {},
): Promise<VeztaRun> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, NO_COLOR: "1", ...environment };
    const options = { env, maxBuffer: 100_000_000 };
    const child = execFile(process.execPath, [ENTRY, ...values], options, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });

/** The JSON lines of a run. */
export const jsonLines = <T>({ stdout }: VeztaRun): T[] =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);

/** Starts `vezta` and returns the running process, to be ended by a signal. */
export const startVezta = (values: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  spawn(process.execPath, [ENTRY, ...values], {
    env: { PATH: process.env.PATH, NO_COLOR: "1", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
