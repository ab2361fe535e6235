import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import { MAXIMUM_KEYS } from "../../contract/limits.ts";
import type { SubscribedMessage } from "../../contract/messages.ts";
import type { AskedIds, SharedSubscription } from "./shared-subscription.ts";
import type { StreamKey, Topic } from "./topic.ts";
import { utf8Length } from "./utf8.ts";

export interface Ask {
  readonly subscription: SharedSubscription;
  readonly ids: AskedIds;
}

/** One `subscribe` as it goes out, for one subscription or for several markets of a channel. */
export interface SubscribeRequest {
  readonly asks: readonly Ask[];
  readonly content: object;
  /** Finds what an answer, or a part of it, says of one of the subscriptions; undefined where it says nothing. */
  replyFor(subscription: SharedSubscription, reply: SubscribedMessage): SubscribedMessage | undefined;
}

/** One `unsubscribe` as it goes out. */
export interface UnsubscribeRequest {
  readonly topics: readonly Topic[];
  readonly content: object;
}

/** Bytes of a request beside its markets and ids: event, channel, names of fields, id of the request. */
const ENVELOPE_BYTES = 400;

/** Bytes around a market in a list, and around a market and its id in a map. */
const LIST_BYTES = 1;
const MAP_BYTES = 4;

/** A name that parsers lose from a map: its market goes alone, so that its id needs none. */
const UNSAFE_NAME = "__proto__";

/** The id that a request for one stream names. */
const singleId = ({ subscription, ids }: Ask): string | undefined =>
  typeof ids === "object" ? ids.get(subscription.topic.marketId) : ids;

/** Bytes of a market, and of its id where the request names one. */
function sizeOf(ask: Ask): number {
  const market = bytesOf(ask.subscription.topic.marketId ?? "");
  if (ask.ids === undefined) return market + LIST_BYTES;
  return 2 * market + LIST_BYTES + MAP_BYTES + (singleId(ask) ?? FIRST_ID).length;
}

const withoutUndefined = (content: object): object =>
  Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined));

const bytesOf = (text: string): number => utf8Length(JSON.stringify(text));

/** Cuts a list so that each part has at most so many items and bytes; an item that is larger alone goes alone. */
function cut<T>(items: readonly T[], maximumBytes: number, sizeOf: (item: T) => number): T[][] {
  const parts: T[][] = [];
  let part: T[] = [];
  let bytes = ENVELOPE_BYTES;
  for (const item of items) {
    const size = sizeOf(item);
    if (part.length > 0 && (part.length >= MAXIMUM_KEYS || bytes + size > maximumBytes)) {
      parts.push(part);
      part = [];
      bytes = ENVELOPE_BYTES;
    }
    part.push(item);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/**
 * As many of the ids of a whole channel as one request takes, those that moved last first: they have most likely moved
 * again. What the request does not name is asked for after its answer, where that shows that it moved.
 */
function newest(ids: ReadonlyMap<StreamKey, string>, maximumBytes: number): Map<StreamKey, string> {
  const sorted = [...ids].sort(([, a], [, b]) => compareIds(b, a));
  const [part = []] = cut(sorted, maximumBytes, ([key = "", id]) => bytesOf(key) + id.length + MAP_BYTES);
  return new Map(part);
}

function alone({ subscription, ids }: Ask, maximumBytes: number): SubscribeRequest {
  const { topic, hasOneStream, maxRate } = subscription;
  const named = typeof ids === "object" && !hasOneStream ? newest(ids, maximumBytes) : ids;
  const many = typeof named === "object" ? Object.fromEntries(named) : named;
  const lastId = hasOneStream ? singleId({ subscription, ids }) : many;
  return {
    asks: [{ subscription, ids: named }],
    content: withoutUndefined({ ...topic, lastId, maxRate }),
    replyFor: (_, reply) => reply,
  };
}

function together(asks: readonly Ask[]): SubscribeRequest {
  const [first] = asks;
  const markets = asks.map(({ subscription }) => subscription.topic.marketId ?? "");
  const lastId = Object.fromEntries(asks.map((ask, index) => [markets[index], singleId(ask) ?? FIRST_ID]));
  return {
    asks,
    content: withoutUndefined({
      channel: first?.subscription.channel,
      marketId: markets,
      lastId: first?.ids === undefined ? undefined : lastId,
      maxRate: first?.subscription.maxRate,
    }),
    replyFor({ channel, topic: { marketId = "" } }, { ids = {}, recovered, unrecovered = [] }) {
      const id = Object.hasOwn(ids, marketId) ? ids[marketId] : undefined;
      if (id === undefined) return undefined;
      return {
        channel,
        marketId,
        id,
        ...(recovered === undefined ? {} : { recovered: recovered || !unrecovered.includes(marketId) }),
      };
    },
  };
}

const toRequest = (asks: readonly Ask[], maximumBytes: number): SubscribeRequest => {
  const [first] = asks;
  return first && asks.length === 1 ? alone(first, maximumBytes) : together(asks);
};

function groupBy<T>(items: readonly T[], nameOf: (item: T) => unknown): T[][] {
  const groups = new Map<unknown, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return [...groups.values()];
}

/**
 * Makes requests of subscriptions, each of at most so many bytes: the single markets of a channel go together, so that a
 * page with hundreds of them comes back with a few requests. Those that resume and those that begin go apart: in one
 * request, one that begins next to one that resumes would not get its snapshot. So do those with another `maxRate`.
 */
export function toSubscribes(asks: readonly Ask[], maximumBytes: number): SubscribeRequest[] {
  const groups = groupBy(asks, (ask) => {
    const { channel, topic, maxRate } = ask.subscription;
    if (topic.marketId === undefined || topic.marketId === UNSAFE_NAME) return ask;
    return `${channel} ${ask.ids === undefined} ${maxRate}`;
  });
  return groups.flatMap((group) => cut(group, maximumBytes, sizeOf).map((part) => toRequest(part, maximumBytes)));
}

/** Makes requests that end subscriptions, bundled as those that begin them. */
export function toUnsubscribes(topics: readonly Topic[], maximumBytes: number): UnsubscribeRequest[] {
  const groups = groupBy(topics, (topic) => (topic.marketId === undefined ? topic : topic.channel));
  const parts = groups.flatMap((group) => cut(group, maximumBytes, (topic) => bytesOf(topic.marketId ?? "") + 1));
  return parts.map((part) => {
    const [first] = part;
    const markets = part.map(({ marketId }) => marketId ?? "");
    const content = part.length === 1 ? { ...first } : { channel: first?.channel, marketId: markets };
    return { topics: part, content: withoutUndefined(content) };
  });
}
