import { tokenReplaced } from "../../../contract/answers.ts";
import type { ServerFrame } from "../../../contract/managed-edge.ts";
import { isPrivate } from "../../../kernel/auth/access.ts";
import type { VerifyToken } from "../../../kernel/auth/token-verifier.ts";
import type { ConnectionState, Connections } from "../table/connections.ts";
import type { Listeners } from "../table/room-subscribers.ts";

interface AuthenticateContext {
  readonly connections: Connections;
  readonly listeners: Listeners;
  readonly verifyToken: VerifyToken;
}

/**
 * Renews a token in place, or drops it. Another user's token ends the private subscriptions of the first. Resolves with
 * the frames to send, the answer last.
 *
 * @throws ChannelError `token_invalid`, `token_expired` or `unavailable`; all is as before then.
 */
export async function authenticate(
  { connections, listeners, verifyToken }: AuthenticateContext,
  connection: ConnectionState,
  token: string | null,
): Promise<ServerFrame[]> {
  const identity = token === null ? undefined : await verifyToken(token);
  const streams = [...connection.subscriptions.values()]
    .map(({ stream }) => stream)
    .filter(({ channel }) => isPrivate(channel));
  const frames: ServerFrame[] = [];
  if (identity && identity.sub === connection.identity?.sub) {
    await listeners.renew(connection, streams, identity.expiresAt);
  } else {
    await connections.leave(connection, streams);
    for (const { channel } of streams) {
      frames.push({ event: "error", data: tokenReplaced(channel) });
    }
  }
  await connections.identify(connection, identity);
  const data = identity ? { sub: identity.sub, expiresAt: identity.expiresAt } : { sub: null };
  return [...frames, { event: "authenticated", data }];
}
