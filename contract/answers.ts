import { type Channel, channelDefinition } from "./channels.ts";
import type { ChannelError } from "./errors.ts";
import type { ErrorMessage, SubscribedMessage, SubscribeRequest } from "./messages.ts";
import { FIRST_ID, type Stream, type Topic } from "./stream.ts";
import { MAXIMUM_KEYS } from "./wire.ts";

/** Where a `subscribe` left one of its streams. */
export interface StreamPosition {
  readonly stream: Stream;
  /** Up to which id the client has it, with what is delivered at once. */
  readonly lastId: string;
  /** False where the request had a `lastId` and something after it is no longer held. */
  readonly recovered: boolean;
}

/** The answer to a `subscribe`. */
export function describeSubscribed(request: SubscribeRequest, positions: readonly StreamPosition[]): SubscribedMessage {
  const { channel, marketId, lastId } = request;
  const markets = positions.flatMap(({ stream: { key }, lastId: id, recovered }) =>
    key === undefined ? [] : [{ key, id, recovered }],
  );
  const recovered = lastId === undefined ? {} : { recovered: positions.every((position) => position.recovered) };
  if (channelDefinition(channel).key !== "marketId" || typeof marketId === "string") {
    return { channel, marketId, id: positions[0]?.lastId ?? FIRST_ID, ...recovered };
  }
  const ids = Object.fromEntries(markets.map(({ key, id }) => [key, id]));
  const unrecovered = markets.filter((market) => !market.recovered).map(({ key }) => key);
  return { channel, marketId, ids, ...recovered, ...(unrecovered.length > 0 ? { unrecovered } : {}) };
}

/** Makes an answer about some of a request's streams one part of the whole answer; see `SubscribedMessage.more`. */
export function toPart(
  { marketId, ...answer }: SubscribedMessage,
  { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean },
): SubscribedMessage {
  const hasMarkets = isFirst || !Array.isArray(marketId);
  return { ...answer, ...(hasMarkets ? { marketId } : {}), ...(isLast ? {} : { more: true }) };
}

/** Longest channel and market that a refusal repeats: what a client sends may be anything. */
const MAXIMUM_CHANNEL_LENGTH = 64;
const MAXIMUM_MARKET_LENGTH = 128;

const isText = (value: unknown, maximum: number): value is string =>
  typeof value === "string" && value.length <= maximum;

const isMarket = (value: unknown): value is string => isText(value, MAXIMUM_MARKET_LENGTH);

const isMarketList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= MAXIMUM_KEYS && value.every(isMarket);

/** The answer to a request that is refused; names the channel and the markets where the request did. */
export function describeError({ code, message }: ChannelError, request: unknown): ErrorMessage {
  const { channel, marketId } = Object(request) as { readonly channel?: unknown; readonly marketId?: unknown };
  return {
    code,
    message,
    ...(isText(channel, MAXIMUM_CHANNEL_LENGTH) ? { channel } : {}),
    ...(isMarket(marketId) || isMarketList(marketId) ? { marketId } : {}),
  };
}

/** Tells that a subscription has ended; the client may subscribe again where the code allows it. */
export const subscriptionEnded = ({ channel, key }: Topic, { code, message }: ChannelError): ErrorMessage => ({
  code,
  message,
  channel,
  ...(channelDefinition(channel).key === "marketId" && key !== undefined ? { marketId: key } : {}),
});

/** Tells that a private subscription ends with its token. */
export const tokenExpired = (channel: Channel): ErrorMessage => ({
  code: "token_expired",
  message: "the token has expired; authenticate and subscribe again",
  channel,
});

/** Tells that a private subscription ends because the connection's token is another user's now, or none. */
export const tokenReplaced = (channel: Channel): ErrorMessage => ({
  code: "unauthorized",
  message: "the token was replaced",
  channel,
});
