import { ChannelError, errorCodes } from "../../contract/errors.ts";
import type { Identity, VerifyToken } from "../../kernel/auth/token-verifier.ts";
import type { Metrics } from "../metrics.ts";
import type { GatewaySocket } from "../socket-io/socket.ts";

/** Reaches the client as `connect_error`, with `data` beside the message. */
class HandshakeError extends Error {
  readonly data: { readonly code: string; readonly message: string };

  constructor({ code, message }: ChannelError) {
    super(message);
    this.data = { code, message };
  }
}

const isAbsent = (token: unknown): boolean => token === undefined || token === null || token === "";

async function identify(token: unknown, verifyToken: VerifyToken): Promise<Identity> {
  if (typeof token !== "string") throw new ChannelError("token_invalid", "auth.token is not a string");
  return verifyToken(token);
}

/** Over how long the ends of refused transports are spread, in ms. */
const SPREAD_MS = 500;

/**
 * Ends the transport, after which every Socket.IO client reconnects with its own backoff: one whose namespace is refused
 * does not try again by itself. Spread a little, as they come back together.
 */
function endTransport({ conn }: GatewaySocket, next: (error: Error) => void, error: Error): void {
  setTimeout(() => {
    conn.close();
    // Socket.IO drops what belonged to the handshake, and sends nothing on a connection that is closing.
    next(error);
  }, Math.random() * SPREAD_MS);
}

/**
 * Namespace middleware that lets in who has a valid token in the handshake's `auth.token` or none (undefined, null or
 * the empty text). A wrong or expired token is refused for good, with `connect_error`; where the reason passes by itself,
 * as with an issuer that cannot be reached, the transport is ended.
 */
export function authenticateHandshake(verifyToken: VerifyToken, metrics: Metrics) {
  return async (socket: GatewaySocket, next: (error?: Error) => void): Promise<void> => {
    const { token } = socket.handshake.auth;
    // In this turn: the many who come without a token after an outage need no promise each.
    if (isAbsent(token)) return next();
    try {
      socket.data.identity = await identify(token, verifyToken);
    } catch (error) {
      const refusal = error instanceof ChannelError ? error : new ChannelError("internal", "the handshake failed");
      metrics.connectionsRefused.inc({ code: refusal.code });
      if (errorCodes[refusal.code].retry) return endTransport(socket, next, new HandshakeError(refusal));
      return next(new HandshakeError(refusal));
    }
    next();
  };
}
