import type { GatewaySocket } from "./socket.ts";

const NOTHING = Object.freeze({});

/**
 * Lets go of what only the handshake needed: headers, query, and the token. The request itself stays, as Engine.IO holds
 * it as long as the connection, which for what hangs on it would be some 2 KiB of every connection.
 */
export function forgetHandshake({ request, handshake }: GatewaySocket): void {
  request.headers = NOTHING;
  request.rawHeaders = [];
  Object.assign(handshake, { headers: NOTHING, query: NOTHING, auth: NOTHING });
}
