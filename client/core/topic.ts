import type { Channel } from "../../contract/channels.ts";
import { FIRST_ID } from "../../contract/ids.ts";
import { MAXIMUM_MARKET_LENGTH } from "../../contract/limits.ts";
import { channelTraits } from "./channel-traits.ts";

/** What one subscribes to: one market of a channel, or (without `marketId`) everything that the channel has. */
export interface Topic {
  readonly channel: Channel;
  readonly marketId?: string | undefined;
}

/** A topic as the service names it, whose channel may be one that this client does not know. */
export interface TopicWords {
  readonly channel: string;
  readonly marketId?: string | undefined;
}

/** Names a stream of a channel: its market, or undefined where the channel is not split by market. */
export type StreamKey = string | undefined;

/** Where an application wants to begin: an id, the ids by market, or (undefined) with what comes. */
export type StartPosition = string | Readonly<Record<string, string>> | undefined;

/** Names a topic in maps. No channel has a space in its name, so no two topics share a name. */
export const topicName = ({ channel, marketId }: TopicWords): string =>
  marketId === undefined ? channel : `${channel} ${marketId}`;

/** Control characters and lone surrogates, which the service refuses. */
const UNCLEAN = /[\p{Cc}\p{Cs}]/u;

const ENTRY_ID = /^\d{1,15}-\d{1,15}$/;

const isMarketId = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= MAXIMUM_MARKET_LENGTH && !UNCLEAN.test(value);

/**
 * Makes a topic of what an application asks for.
 *
 * @throws RangeError that says what is wrong: an unknown channel, a market id that the service would refuse, or a market
 *   of a channel that is not split by market.
 */
export function createTopic(channel: Channel, marketId: unknown): Topic {
  const { key } = channelTraits(channel);
  if (marketId === undefined) return { channel };
  if (!isMarketId(marketId)) {
    throw new RangeError(
      `marketId must be 1 to ${MAXIMUM_MARKET_LENGTH} characters without control characters; leave it out for all markets`,
    );
  }
  if (key !== "marketId") throw new RangeError(`marketId: the channel ${channel} is not split by market`);
  return { channel, marketId: String(marketId) };
}

/** Checks where a subscription to a topic wants to begin. @throws RangeError that says what is wrong. */
export function checkStart({ channel, marketId }: Topic, lastId: StartPosition): void {
  if (lastId === undefined) return;
  const hasOneStream = channelTraits(channel).key !== "marketId" || marketId !== undefined;
  if (typeof lastId === "string") {
    if (!ENTRY_ID.test(lastId)) throw new RangeError(`lastId must have the form <milliseconds>-<number>`);
    if (hasOneStream || lastId === FIRST_ID) return;
    throw new RangeError(`lastId: a whole channel takes a map of ids by market, or "${FIRST_ID}"`);
  }
  if (hasOneStream) throw new RangeError("lastId: a subscription to one stream takes one id, not a map");
  for (const [key, id] of Object.entries(lastId)) {
    if (!isMarketId(key) || !ENTRY_ID.test(id)) {
      throw new RangeError("lastId: a map of ids by market, each of the form <milliseconds>-<number>");
    }
  }
}
