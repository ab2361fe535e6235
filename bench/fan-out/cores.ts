import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** The server has this core for itself. */
export const SERVER_CORE = 0;

/** Redis, the load client and this process, which publishes, share this one. */
export const LOAD_CORE = 1;

/** The machine cannot run the comparison; the message says what it lacks. */
export class MachineError extends Error {
  override readonly name = "MachineError";
}

/**
 * Moves this process, and with it all that it starts, to the load's core.
 *
 * @throws MachineError where the machine is not Linux, has one core, or lacks `taskset` or `setpriv`.
 */
export function moveToLoadCore(): void {
  if (process.platform !== "linux") throw new MachineError("the comparison needs Linux: /proc, epoll and taskset");
  if (availableParallelism() < 2) throw new MachineError("the comparison needs two cores: one for the server alone");
  try {
    execFileSync("taskset", ["-acp", String(LOAD_CORE), String(process.pid)], { stdio: "ignore" });
    execFileSync("setpriv", ["--version"], { stdio: "ignore" });
  } catch (cause) {
    throw new MachineError("taskset and setpriv do not run here; they are part of util-linux", { cause });
  }
}
