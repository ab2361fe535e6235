import { tokenReplaced } from "../../../contract/answers.ts";
import type { ServerFrame } from "../../../contract/managed-edge.ts";
import { isPrivate } from "../../../kernel/auth/access.ts";
import type { VerifyToken } from "../../../kernel/auth/token-verifier.ts";
import { describeAuthenticated, identify, isSameUser } from "../../../kernel/protocol/authentication.ts";
import type { ConnectionState, Connections } from "../table/connections.ts";
import type { RoomSubscribers } from "../table/room-subscribers.ts";

interface AuthenticateContext {
  readonly connections: Connections;
  readonly subscribers: RoomSubscribers;
  readonly verifyToken: VerifyToken;
}

/**
 * Replaces or, with null, drops a connection's token. Another user's token ends the private subscriptions. Resolves with
 * the frames to send, the answer last.
 *
 * @throws ChannelError `token_invalid`, `token_expired` or `unavailable`; then nothing has changed.
 */
export async function authenticate(
  { connections, subscribers, verifyToken }: AuthenticateContext,
  connection: ConnectionState,
  token: string | null,
): Promise<ServerFrame[]> {
  const identity = await identify(token, verifyToken);
  const topics = [...connection.subscriptions.values()]
    .map(({ topic }) => topic)
    .filter(({ channel }) => isPrivate(channel));
  const frames: ServerFrame[] = [];
  if (identity && isSameUser(connection.identity, identity)) {
    await subscribers.renew(connection, topics, identity.expiresAt);
  } else {
    await connections.leave(connection, topics);
    for (const { channel } of topics) {
      frames.push({ event: "error", data: tokenReplaced(channel) });
    }
  }
  await connections.setIdentity(connection, identity);
  return [...frames, { event: "authenticated", data: describeAuthenticated(identity) }];
}
