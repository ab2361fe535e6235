import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { endProcess, hasEnded, onLines } from "../../local/child-process.ts";
import { keepTrack } from "./children.ts";
import { SERVER_CORE } from "./cores.ts";
import type { Launch } from "./servers/contender.ts";

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 20;
const PATIENCE_MS = 3_000;

/** The Node that runs this, which also runs the servers that do not need another. */
export const node = process.execPath;

/**
 * The same for every server: room for the short-lived garbage of a burst, which all of them profit from, and any free
 * port for the inspector, which is opened only where garbage has to be collected.
 */
export const nodeFlags = ["--max-semi-space-size=16", "--inspect-port=127.0.0.1:0"] as const;

/** A server under measurement. */
export interface ServerProcess {
  readonly pid: number;
  /** Returns its output so far. */
  readonly log: () => string;
  stop(): Promise<void>;
}

async function untilReady(child: ChildProcess, { readyUrl }: Launch, log: () => string): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !hasEnded(child)) {
    const isReady = readyUrl
      ? await fetch(readyUrl).then(
          ({ ok }) => ok,
          () => false,
        )
      : /^ready$/m.test(log());
    if (isReady) return true;
    await delay(POLL_MS);
  }
  return false;
}

/**
 * Starts a server on its own core and resolves once it is ready.
 *
 * @throws Error with the server's own log.
 */
export async function startServer(launch: Launch): Promise<ServerProcess> {
  // Should this process be killed, the kernel ends the server.
  const prefix = ["--pdeathsig", "KILL", "taskset", "-c", String(SERVER_CORE)];
  const child = spawn("setpriv", [...prefix, launch.command, ...launch.values], {
    env: { NODE_ENV: "production", ...launch.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  keepTrack(child);
  await once(child, "spawn");
  let log = "";
  onLines(child, (line) => {
    log += `${line}\n`;
  });
  const { pid } = child;
  if (pid === undefined || !(await untilReady(child, launch, () => log))) {
    await endProcess(child, "SIGKILL");
    throw new Error(`the server did not become ready:\n${log}`);
  }
  return {
    pid,
    log: () => log,
    async stop() {
      await endProcess(child, "SIGTERM", PATIENCE_MS);
    },
  };
}
