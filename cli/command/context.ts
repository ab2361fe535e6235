import type { Readable } from "node:stream";
import type { Output } from "./output.ts";

/** What a command gets from the process that runs it. */
export interface Context {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
  readonly input: Readable;
  /** Aborted when the command is to end early: Ctrl-C, or nobody reads its output. */
  readonly signal: AbortSignal;
}

/** The command line, or a file that it names, is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command did its work, and the answer is a failure that it has reported already: exit code 1. */
export class FailedError extends Error {
  override readonly name = "FailedError";
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
