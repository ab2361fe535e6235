import { type Channel, channelDefinition } from "./channels.ts";
import type { ChannelError } from "./errors.ts";
import { FIRST_ID } from "./ids.ts";
import { MAXIMUM_CHANNEL_LENGTH, MAXIMUM_KEYS, MAXIMUM_MARKET_LENGTH } from "./limits.ts";
import type { ErrorMessage, SubscribedMessage, SubscribeRequest } from "./messages.ts";
import type { StreamPosition, Topic } from "./stream.ts";

/** The position of a client in one stream of its `subscribe`, once it has what is delivered with the answer. */
export interface SubscribedPosition extends StreamPosition {
  /** False where the request had a `lastId` and something after it is no longer held. */
  readonly recovered: boolean;
}

/** Builds the answer to a `subscribe`. */
export function describeSubscribed(
  request: SubscribeRequest,
  positions: readonly SubscribedPosition[],
): SubscribedMessage {
  const { channel, marketId, lastId } = request;
  const markets = positions.flatMap(({ stream: { key }, id, recovered }) =>
    key === undefined ? [] : [{ key, id, recovered }],
  );
  const recovered = lastId === undefined ? {} : { recovered: positions.every((position) => position.recovered) };
  if (channelDefinition(channel).key !== "marketId" || typeof marketId === "string") {
    return { channel, marketId, id: positions[0]?.id ?? FIRST_ID, ...recovered };
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

const isText = (value: unknown, maximum: number): value is string =>
  typeof value === "string" && value.length <= maximum;

const isMarket = (value: unknown): value is string => isText(value, MAXIMUM_MARKET_LENGTH);

const isMarketList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= MAXIMUM_KEYS && value.every(isMarket);

/**
 * Builds the answer to a refused request. It repeats the request's channel and markets where they are no longer than the
 * contract allows: what a client sends may be anything.
 */
export function describeError({ code, message }: ChannelError, request: unknown): ErrorMessage {
  const { channel, marketId } = Object(request) as { readonly channel?: unknown; readonly marketId?: unknown };
  return {
    code,
    message,
    ...(isText(channel, MAXIMUM_CHANNEL_LENGTH) ? { channel } : {}),
    ...(isMarket(marketId) || isMarketList(marketId) ? { marketId } : {}),
  };
}

/** Builds the error for a subscription that has ended; the client may subscribe again where the code allows it. */
export const subscriptionEnded = ({ channel, key }: Topic, { code, message }: ChannelError): ErrorMessage => ({
  code,
  message,
  channel,
  ...(channelDefinition(channel).key === "marketId" && key !== undefined ? { marketId: key } : {}),
});

/** Builds the error for a private subscription that ends with its token. */
export const tokenExpired = (channel: Channel): ErrorMessage => ({
  code: "token_expired",
  message: "the token has expired; authenticate and subscribe again",
  channel,
});

/** Builds the error for a private subscription that ends because the connection's token is another user's now, or none. */
export const tokenReplaced = (channel: Channel): ErrorMessage => ({
  code: "unauthorized",
  message: "the token was replaced",
  channel,
});
