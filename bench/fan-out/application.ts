import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { endProcess, onLines } from "../../local/child-process.ts";
import { keepTrack } from "./children.ts";
import { node } from "./server-process.ts";

const PROGRAM = join(import.meta.dirname, "application.program.ts");
const TIMEOUT_MS = 30_000;

/** Client libraries: this project's package, Socket.IO's client, and `ws` with `JSON.parse`. */
export type ApplicationKind = "package" | "socket.io" | "websocket";

/** One client that reads whole what it gets, as an application does, in a process of its own. */
export interface Application {
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts a client in Node. Resolves once it has all that it asked for.
 *
 * @param handshake lines of the load client's script, which say what it asks for
 * @throws Error with what it wrote.
 */
export async function startApplication(
  kind: ApplicationKind,
  port: number,
  handshake: readonly string[],
): Promise<Application> {
  const child = spawn(node, [PROGRAM, kind, String(port)], {
    env: { NODE_ENV: "production" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  keepTrack(child);
  let log = "";
  const isReady = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), TIMEOUT_MS);
    const end = (value: boolean): void => {
      clearTimeout(timer);
      resolve(value);
    };
    child.once("exit", () => end(false));
    onLines(child, (line) => {
      if (line === "ready") end(true);
      else log += `${line}\n`;
    });
  });
  await once(child, "spawn");
  child.stdin.end(handshake.join("\n"));
  const { pid } = child;
  if (pid === undefined || !(await isReady)) {
    await endProcess(child, "SIGKILL");
    throw new Error(`the application's client did not get what it asked for:\n${log}`);
  }
  return {
    pid,
    async stop() {
      await endProcess(child, "SIGTERM", 3_000);
    },
  };
}
