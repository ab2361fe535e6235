import { FIRST_ID } from "../../../contract/ids.ts";
import type { SubscribedMessage } from "../../../contract/messages.ts";
import type { StreamKey } from "../topics/topic.ts";
import type { RequestedIds, StreamReply } from "./stream-position.ts";

/** Returns a function that says of each stream whether the reply reports that messages of it are lost. */
function lossesOf({ recovered, unrecovered }: SubscribedMessage): (key: StreamKey) => boolean {
  if (recovered !== false) return () => false;
  if (!unrecovered) return () => true;
  const lost = new Set<StreamKey>(unrecovered);
  return (key) => key === undefined || lost.has(key);
}

interface ReplyContext {
  /** The stream of a reply that names only one id. */
  readonly key: StreamKey;
  readonly requested: RequestedIds;
  readonly mayLower: boolean;
}

/** Splits a reply, or a part of one, into what it says about each stream. */
export function replyStreams(
  reply: SubscribedMessage,
  { key: only, requested, mayLower }: ReplyContext,
): StreamReply[] {
  const isLostOf = lossesOf(reply);
  const ids = reply.ids ? Object.entries(reply.ids) : [[only, reply.id ?? FIRST_ID] as const];
  return ids.map(([key, id]) => ({
    key,
    id,
    requestedId: typeof requested === "object" ? requested.get(key) : requested,
    isLost: isLostOf(key),
    mayLower,
  }));
}
