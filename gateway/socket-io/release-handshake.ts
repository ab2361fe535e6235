import type { IncomingMessage } from "node:http";
import type { Server } from "socket.io";
import type { GatewaySocket } from "./socket.ts";

const NOTHING = Object.freeze({});

/** What Socket.IO looks at when a connected client joins another namespace. */
const FORGOTTEN = Object.freeze({ headers: NOTHING, connection: NOTHING }) as unknown as IncomingMessage;

/** What Engine.IO answers an upgrade with. It lives as long as the TCP connection, and the request with it. */
interface UpgradeResponse {
  req?: unknown;
}

/**
 * Lets go of what only the handshake needed, after Socket.IO has admitted a client: the request with its headers and
 * its query, some 2 KiB of every connection, and the token.
 */
export class Handshakes {
  readonly #responses = new WeakMap<IncomingMessage, UpgradeResponse>();

  constructor(engine: Server["engine"]) {
    engine.use((request: IncomingMessage, response: UpgradeResponse, next: () => void) => {
      this.#responses.set(request, response);
      next();
    });
  }

  forget({ conn, request, handshake }: GatewaySocket): void {
    const response = this.#responses.get(request);
    // Not a documented property: should it be named otherwise one day, the request stays in memory, and a test fails.
    if (response && "req" in response) response.req = undefined;
    conn.request = FORGOTTEN;
    Object.assign(handshake, { headers: NOTHING, query: NOTHING, auth: NOTHING });
  }
}
