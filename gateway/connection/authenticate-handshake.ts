import { ChannelError, errorCodes } from "../../contract/errors.ts";
import type { Identity, VerifyToken } from "../../kernel/auth/token-verifier.ts";
import { toRefusal } from "../../kernel/protocol/answers.ts";
import type { Metrics } from "../metrics.ts";
import type { GatewaySocket } from "../socket-io/socket.ts";

/** The refusal of a handshake: Socket.IO sends it as `connect_error`, with `data` beside the message. */
class HandshakeError extends Error {
  readonly data: { readonly code: string; readonly message: string };

  constructor({ code, message }: ChannelError) {
    super(message);
    this.data = { code, message };
  }
}

const isAbsent = (token: unknown): boolean => token === undefined || token === null || token === "";

async function verify(token: unknown, verifyToken: VerifyToken): Promise<Identity> {
  if (typeof token !== "string") throw new ChannelError("token_invalid", "auth.token is not a string");
  return verifyToken(token);
}

/** Time over which the ends of refused transports are spread, in ms. */
const SPREAD_MS = 500;

/**
 * Ends the transport, after which every Socket.IO client reconnects with its own backoff: a client whose namespace is
 * refused does not try again on its own. Spread a little, as such clients come back together.
 */
function endTransport({ conn }: GatewaySocket, next: (error: Error) => void, error: Error): void {
  setTimeout(() => {
    conn.close();
    // Lets Socket.IO release the handshake; it sends nothing on a connection that is closing.
    next(error);
  }, Math.random() * SPREAD_MS);
}

/**
 * Builds the namespace middleware that admits clients with a valid token in the handshake's `auth.token` or with none
 * (undefined, null or the empty text). A wrong or expired token is refused permanently, with `connect_error`; for a
 * temporary reason, such as an issuer that cannot be reached, the transport is ended.
 */
export function authenticateHandshake(verifyToken: VerifyToken, metrics: Metrics) {
  return async (socket: GatewaySocket, next: (error?: Error) => void): Promise<void> => {
    const { token } = socket.handshake.auth;
    // In this turn: the many who come without a token after an outage need no promise each.
    if (isAbsent(token)) return next();
    try {
      socket.data.identity = await verify(token, verifyToken);
    } catch (error) {
      const refusal = toRefusal(error, "the handshake failed");
      metrics.connectionsRefused.inc({ code: refusal.code });
      if (errorCodes[refusal.code].retry) return endTransport(socket, next, new HandshakeError(refusal));
      return next(new HandshakeError(refusal));
    }
    next();
  };
}
