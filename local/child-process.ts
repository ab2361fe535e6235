import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import pTimeout from "p-timeout";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface NodeOptions {
  /** The file to run. */
  readonly entry: string;
  /** All that the process gets to see, beside the search path. */
  readonly environment: Readonly<Record<string, string>>;
  /** Opens a channel for messages to it. @default false */
  readonly hasChannel?: boolean;
}

/** Starts a Node process with an environment of its own. It ends with this process at the latest. */
export function startNode({ entry, environment, hasChannel = false }: NodeOptions): ChildProcess {
  const child = spawn(process.execPath, [entry], {
    env: environment,
    stdio: hasChannel ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** Sends the signal, after `patienceMs` SIGKILL, and resolves with the exit code (null where a signal ended it). */
export async function endProcess(
  child: ChildProcess,
  signal: NodeJS.Signals = "SIGTERM",
  patienceMs = 120_000,
): Promise<number | null> {
  if (hasEnded(child)) return child.exitCode;
  const exited = once(child, "exit");
  child.kill(signal);
  await pTimeout(exited, { milliseconds: patienceMs, fallback: () => child.kill("SIGKILL") });
  await exited;
  return child.exitCode;
}

/** Calls `onLine` for each line that the process writes to stdout or stderr. */
export function onLines({ stdout, stderr }: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [stdout, stderr]) {
    let rest = "";
    stream?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    });
    stream?.on("end", () => {
      if (rest) onLine(rest);
    });
  }
}
