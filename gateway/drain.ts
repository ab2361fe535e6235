import { setTimeout as delay } from "node:timers/promises";
import type { Gateway } from "./server.ts";

/** Milliseconds between two waves of closes. */
const WAVE_MS = 250;

/**
 * Sends every client elsewhere, spread over the given time: new ones are not admitted, each is told `drain` with its
 * own time to come back, and the connections are closed in waves. With `conn.close()`, after which every Socket.IO
 * client reconnects; a `disconnect()` by the server would end it for good.
 *
 * @param seconds 0 closes all at once.
 */
export async function drain(gateway: Gateway, seconds: number): Promise<void> {
  gateway.stopAdmitting();
  const sockets = [...gateway.namespace.sockets.values()];
  const waves = Math.max(1, Math.ceil((seconds * 1_000) / WAVE_MS));
  const size = Math.ceil(sockets.length / waves);
  for (const [index, socket] of sockets.entries()) {
    socket.emit("drain", { reconnectIn: Math.floor(index / size) * WAVE_MS });
  }
  for (let start = 0; start < sockets.length; start += size) {
    if (waves > 1) await delay(WAVE_MS);
    for (const socket of sockets.slice(start, start + size)) socket.conn.close();
  }
}
