import { type Channel, channelDefinition } from "../../contract/channels.ts";
import type { HeartbeatMessage } from "../../contract/messages.ts";
import type { Stream } from "../../contract/stream.ts";

/** Says that one stream is live, to its subscribers. Without an id where it is not known up to where they have it. */
export function streamHeartbeat({ channel, key }: Stream, id: string | undefined): HeartbeatMessage {
  const hasMarket = channelDefinition(channel).key === "marketId" && key !== undefined;
  return { channel, ...(hasMarket ? { marketId: key } : {}), ...(id === undefined ? {} : { id }) };
}

/**
 * Says that a whole channel is live, to its subscribers, with the ids of the streams that moved, by key.
 *
 * @param unavailable the keys of all streams that are not live.
 */
export const channelHeartbeat = (
  channel: Channel,
  ids: Iterable<readonly [string, string]>,
  unavailable: readonly string[] = [],
): HeartbeatMessage =>
  // `fromEntries` keeps a market of the name `__proto__`; an assignment would not.
  ({ channel, ids: Object.fromEntries(ids), ...(unavailable.length > 0 ? { unavailable } : {}) });
