import type { Channel } from "../../../contract/channels.ts";
import { ENTRY_ID, FIRST_ID } from "../../../contract/ids.ts";
import { DEPTHS, type Depth, MAXIMUM_MARKET_LENGTH } from "../../../contract/limits.ts";
import { stateFormat } from "../../../contract/state/state-formats.ts";
import { channelTraits } from "./channel-traits.ts";

/** One subscription's subject, as requests name it: one market of a channel, or the whole channel without `marketId`. */
export interface Topic {
  readonly channel: Channel;
  readonly marketId?: string | undefined;
}

/** A topic in a message of the service, which may have channels that this client does not know. */
export interface WireTopic {
  readonly channel: string;
  readonly marketId?: string | undefined;
}

/** Names a stream within its channel: the market, or undefined on a channel that is not split by market. */
export type StreamKey = string | undefined;

/** The `lastId` of an application: one id, or the ids by market. Undefined to start with new messages. */
export type StartPosition = string | Readonly<Record<string, string>> | undefined;

/** Returns the key of a topic in maps. No channel has a space in its name, so no two topics share a key. */
export const topicName = ({ channel, marketId }: WireTopic): string =>
  marketId === undefined ? channel : `${channel} ${marketId}`;

/** Control characters and lone surrogates, which the service refuses. */
const INVALID_CHARACTERS = /[\p{Cc}\p{Cs}]/u;

const isMarketId = (value: unknown): boolean =>
  typeof value === "string" &&
  value.length > 0 &&
  value.length <= MAXIMUM_MARKET_LENGTH &&
  !INVALID_CHARACTERS.test(value);

/**
 * Creates a topic from the arguments of `subscribe`.
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

/** Checks the `lastId` of a subscription. @throws RangeError that says what is wrong */
export function checkStart({ channel, marketId }: Topic, lastId: StartPosition): void {
  if (lastId === undefined) return;
  const hasOneStream = channelTraits(channel).key !== "marketId" || marketId !== undefined;
  if (typeof lastId === "string") {
    if (!ENTRY_ID.test(lastId)) throw new RangeError("lastId must have the form <milliseconds>-<number>");
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

/** Checks the `depth` of a subscription. @throws RangeError that says what is wrong */
export function checkDepth({ channel, marketId }: Topic, depth: Depth | undefined): void {
  if (depth === undefined) return;
  if (!stateFormat(channel)?.limit) throw new RangeError(`depth: the channel ${channel} has no levels`);
  if (marketId === undefined) throw new RangeError("depth: name a market; a whole channel has all levels");
  if (!DEPTHS.includes(depth)) throw new RangeError(`depth must be one of ${DEPTHS.join(", ")}`);
}
