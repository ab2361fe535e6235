import type { IncomingMessage } from "node:http";
import type { Server } from "socket.io";
import type { GatewaySocket } from "./socket.ts";

const NOTHING = Object.freeze({});

/** The members that Socket.IO reads when a connected client joins another namespace. */
const RELEASED_REQUEST = Object.freeze({ headers: NOTHING, connection: NOTHING }) as unknown as IncomingMessage;

/** The response object of an upgrade. Engine.IO keeps it as long as the TCP connection, and the request with it. */
interface UpgradeResponse {
  req?: unknown;
}

/**
 * Returns a function that drops what only the handshake needed, once Socket.IO has admitted a client: the request with
 * its headers and its query, some 2 KiB of every connection, and the token. Call it before the first client connects.
 */
export function createReleaseHandshake(engine: Server["engine"]): (socket: GatewaySocket) => void {
  const responses = new WeakMap<IncomingMessage, UpgradeResponse>();
  engine.use((request: IncomingMessage, response: UpgradeResponse, next: () => void) => {
    responses.set(request, response);
    next();
  });
  return ({ conn, request, handshake }) => {
    const response = responses.get(request);
    // Not a documented property: should an upgrade rename it, the request stays in memory, and a test fails.
    if (response && "req" in response) response.req = undefined;
    conn.request = RELEASED_REQUEST;
    Object.assign(handshake, { headers: NOTHING, query: NOTHING, auth: NOTHING });
  };
}
