import { ChannelError } from "../../contract/errors.ts";
import type { Identity, VerifyToken } from "../../contract/server/token-verifier.ts";
import type { Metrics } from "../metrics.ts";
import type { GatewaySocket } from "./socket.ts";

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

/**
 * Namespace middleware that lets in who has a valid token in the handshake's `auth.token` or none (undefined, null or
 * the empty text), and refuses a wrong or expired one.
 */
export function authenticateHandshake(verifyToken: VerifyToken, metrics: Metrics) {
  return async (socket: GatewaySocket, next: (error?: Error) => void): Promise<void> => {
    const { token } = socket.handshake.auth;
    // In this turn: the many who come without a token after an outage need no promise each.
    if (isAbsent(token)) return next();
    try {
      socket.data.identity = await identify(token, verifyToken);
      next();
    } catch (error) {
      const refusal = error instanceof ChannelError ? error : new ChannelError("internal", "the handshake failed");
      metrics.connectionsRefused.inc({ code: refusal.code });
      next(new HandshakeError(refusal));
    }
  };
}
