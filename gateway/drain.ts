import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Gateway } from "./server.ts";

/** Milliseconds between two waves. */
const WAVE_MS = 250;

/** Time between the `drain` event and the first wave, in ms, at most half of the drain: the SDK moves before its wave. */
const LEAD_MS = 10_000;

/**
 * Moves every client to another gateway, spread evenly over the given time: stops admitting, sends each client a `drain`
 * with its own time to reconnect, and closes the connections in waves. With `conn.close()`, after which every Socket.IO
 * client reconnects; a client does not reconnect after `disconnect()` by the server. Resolves once every client that was
 * there has left.
 *
 * @param seconds 0 closes all connections at once.
 */
export async function drain(gateway: Gateway, seconds: number): Promise<void> {
  gateway.stopAdmitting();
  const startedAt = performance.now();
  const totalMs = seconds * 1_000;
  const leadMs = Math.min(LEAD_MS, totalMs / 2);
  const sockets = [...gateway.namespace.sockets.values()];
  const closings = sockets.map((socket, index) => {
    const closeAt = Math.floor(leadMs + ((totalMs - leadMs) * index) / sockets.length);
    socket.emit("drain", { reconnectIn: closeAt });
    return { socket, closeAt };
  });
  while (closings.some(({ socket }) => socket.connected)) {
    const elapsed = performance.now() - startedAt;
    const later = closings.findIndex(({ closeAt }) => closeAt > elapsed);
    for (const { socket } of closings.splice(0, later < 0 ? closings.length : later)) socket.conn.close();
    if (closings.length > 0) await delay(WAVE_MS);
  }
}

/** Drains a gateway, at most once at a time. */
export interface Drainer {
  /** Starts a drain, or joins the one that is running. */
  drain(cause: string): Promise<void>;
}

export function createDrainer(gateway: Gateway, { seconds, logger }: { seconds: number; logger: Logger }): Drainer {
  let running: Promise<void> | undefined;
  const run = async (cause: string): Promise<void> => {
    logger.info({ cause, seconds, connections: gateway.namespace.sockets.size }, "draining");
    await drain(gateway, seconds);
    running = undefined;
    logger.info({ connections: gateway.namespace.sockets.size }, "drained");
  };
  return {
    drain(cause) {
      running ??= run(cause);
      return running;
    },
  };
}
