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

/** The token in the handshake's `auth.token`; undefined, null and the empty text mean an anonymous connection. */
async function identify(token: unknown, verifyToken: VerifyToken): Promise<Identity | undefined> {
  if (token === undefined || token === null || token === "") return undefined;
  if (typeof token !== "string") throw new ChannelError("token_invalid", "auth.token is not a string");
  return verifyToken(token);
}

/** Namespace middleware that lets in who has a valid token or none, and refuses a wrong or expired one. */
export function authenticateHandshake(verifyToken: VerifyToken, metrics: Metrics) {
  return async (socket: GatewaySocket, next: (error?: Error) => void): Promise<void> => {
    try {
      socket.data.identity = await identify(socket.handshake.auth.token, verifyToken);
      next();
    } catch (error) {
      const refusal = error instanceof ChannelError ? error : new ChannelError("internal", "the handshake failed");
      metrics.connectionsRefused.inc({ code: refusal.code });
      next(new HandshakeError(refusal));
    }
  };
}
