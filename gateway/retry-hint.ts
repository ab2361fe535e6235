import type { GatewayNamespace } from "./socket-io/socket.ts";

/** The shortest and the longest time that clients are given, in ms. */
const MINIMUM_MS = 500;
const MAXIMUM_MS = 60_000;

/** Returns the time over which so many clients are to come back, in ms: the minimum, doubled as often as it takes. */
export function returnTime(connections: number, handshakesPerSecond: number): number {
  const neededMs = (1_000 * connections) / handshakesPerSecond;
  const doublings = Math.ceil(Math.log2(Math.max(1, neededMs / MINIMUM_MS)));
  return Math.min(MAXIMUM_MS, MINIMUM_MS * 2 ** doublings);
}

/**
 * Sends each client, when it connects, the time over which to spread its return after a connection that ends without
 * `drain`, as when a load balancer cuts all of a task at once. It grows with the number of connections: when it doubles,
 * all clients get the new one.
 */
export function sendRetryHints(namespace: GatewayNamespace, handshakesPerSecond: number): void {
  let current = MINIMUM_MS;
  namespace.on("connection", (socket) => {
    const reconnectIn = returnTime(namespace.sockets.size, handshakesPerSecond);
    if (reconnectIn > current) {
      current = reconnectIn;
      namespace.local.emit("retry", { reconnectIn });
      return;
    }
    // Not at each step down: a number of connections that goes up and down would send it to all each time.
    if (reconnectIn <= current / 4) current = reconnectIn;
    socket.emit("retry", { reconnectIn: current });
  });
}
