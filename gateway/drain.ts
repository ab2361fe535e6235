import { setTimeout as delay } from "node:timers/promises";
import type { Gateway } from "./server.ts";

/** Milliseconds between two waves. */
const WAVE_MS = 250;

/**
 * Moves every client to another gateway, spread over the given time: stops admitting, sends each client a `drain` with
 * its own time to reconnect, and closes the connections in waves. With `conn.close()`, after which every Socket.IO client
 * reconnects; a client does not reconnect after `disconnect()` by the server.
 *
 * @param seconds 0 closes all connections at once.
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
