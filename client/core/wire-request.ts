import type { SubscribedMessage } from "../../contract/frames.ts";
import { FIRST_ID, MAXIMUM_KEYS } from "../../contract/wire.ts";
import type { AskedIds, SharedSubscription } from "./shared-subscription.ts";

export interface Ask {
  readonly subscription: SharedSubscription;
  readonly ids: AskedIds;
}

/** One `subscribe` as it goes out, for one subscription or for several markets of a channel. */
export interface WireRequest {
  readonly asks: readonly Ask[];
  readonly content: object;
  /** The part of the answer that concerns one of the subscriptions. */
  replyFor(subscription: SharedSubscription, reply: SubscribedMessage): SubscribedMessage;
}

/** The id that a request for one stream names. */
const singleId = ({ subscription, ids }: Ask): string | undefined =>
  typeof ids === "object" ? ids.get(subscription.marketId ?? "") : ids;

const withoutUndefined = (content: object): object =>
  Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined));

/** What all subscriptions of one request have in common. */
const subscriptionOf = ([first]: readonly Ask[]) => ({
  channel: first?.subscription.channel,
  maxRate: first?.subscription.maxRate,
});

function alone({ subscription, ids }: Ask): WireRequest {
  const { channel, marketId, hasOneStream, maxRate } = subscription;
  const named = typeof ids === "object" ? new Map([...ids].slice(0, MAXIMUM_KEYS)) : ids;
  const many = typeof named === "object" ? Object.fromEntries(named) : named;
  const lastId = hasOneStream ? singleId({ subscription, ids }) : many;
  return {
    asks: [{ subscription, ids: named }],
    content: withoutUndefined({ channel, marketId, lastId, maxRate }),
    replyFor: (_, reply) => reply,
  };
}

function together(asks: readonly Ask[], hasIds: boolean): WireRequest {
  const markets = asks.map(({ subscription }) => subscription.marketId ?? "");
  const lastId = Object.fromEntries(asks.map((ask) => [ask.subscription.marketId ?? "", singleId(ask) ?? FIRST_ID]));
  return {
    asks,
    content: withoutUndefined({ ...subscriptionOf(asks), marketId: markets, lastId: hasIds ? lastId : undefined }),
    replyFor: ({ channel, marketId = "" }, { ids, recovered, unrecovered = [] }) => ({
      channel,
      marketId,
      id: ids?.[marketId] ?? FIRST_ID,
      ...(recovered === undefined ? {} : { recovered: !unrecovered.includes(marketId) }),
    }),
  };
}

function* chunks<T>(items: readonly T[], size: number): Iterable<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/**
 * Makes requests of subscriptions: the single markets of a channel go together, so that a page with hundreds of them
 * comes back with a few requests. Those that resume and those that begin go apart: in one request, one that begins next
 * to one that resumes would not get its snapshot. So do those with another `maxRate`.
 */
export function toRequests(asks: readonly Ask[]): WireRequest[] {
  const groups = new Map<unknown, Ask[]>();
  for (const ask of asks) {
    const { channel, marketId, maxRate } = ask.subscription;
    const name = marketId === undefined ? ask : `${channel} ${ask.ids === undefined} ${maxRate}`;
    const group = groups.get(name);
    if (group) group.push(ask);
    else groups.set(name, [ask]);
  }
  return [...groups.values()].flatMap((group) => [...chunks(group, MAXIMUM_KEYS)].map(toRequest));
}

function toRequest(asks: readonly Ask[]): WireRequest {
  const [first] = asks;
  return first && asks.length === 1 ? alone(first) : together(asks, first?.ids !== undefined);
}
