import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { ServerProcess } from "./server-process.ts";

const POLL_MS = 10;
const TIMEOUT_MS = 5_000;
/** One collection frees what the next one finds. */
const COLLECTIONS = 2;

async function inspectorUrl({ pid, log }: ServerProcess): Promise<string> {
  process.kill(pid, "SIGUSR1");
  const deadline = Date.now() + TIMEOUT_MS;
  while (Date.now() < deadline) {
    const url = /^Debugger listening on (ws:\S+)$/m.exec(log())?.[1];
    if (url) return url;
    await delay(POLL_MS);
  }
  throw new Error("the server did not open its inspector");
}

/**
 * Has a Node process collect its garbage, through its inspector: what is left of its memory is in use.
 *
 * @throws Error where it is not a Node process that was started with an inspector port.
 */
export async function collectGarbage(server: ServerProcess): Promise<void> {
  const inspector = new WebSocket(await inspectorUrl(server));
  await once(inspector, "open");
  for (let id = 1; id <= COLLECTIONS; id += 1) {
    inspector.send(JSON.stringify({ id, method: "HeapProfiler.collectGarbage" }));
    await once(inspector, "message");
  }
  inspector.close();
  await once(inspector, "close");
}
