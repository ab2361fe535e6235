import { FIRST_ID } from "../../../contract/ids.ts";
import type { SubscribedMessage } from "../../../contract/messages.ts";
import type { StreamKey } from "../topics/topic.ts";
import type { RequestedIds, StreamReply } from "./stream-position.ts";

/**
 * Splits a reply, or a part of one, into what it says about each stream.
 *
 * @param only the stream of a reply that has one id
 */
export function replyStreams(reply: SubscribedMessage, only: StreamKey, requested: RequestedIds): StreamReply[] {
  const { ids, id: onlyId = FIRST_ID, recovered, unrecovered } = reply;
  // Without a list, all streams of the reply are lost.
  const lost = unrecovered && new Set<StreamKey>([undefined, ...unrecovered]);
  const positions = ids ? Object.entries(ids) : [[only, onlyId] as const];
  return positions.map(([key, id]) => ({
    key,
    id,
    requestedId: typeof requested === "object" ? requested.get(key) : requested,
    isLost: recovered === false && (lost?.has(key) ?? true),
  }));
}
