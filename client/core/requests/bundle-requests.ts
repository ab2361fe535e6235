import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import { MAXIMUM_KEYS } from "../../../contract/limits.ts";
import type { SubscribedMessage } from "../../../contract/messages.ts";
import { isStateChannel } from "../../../contract/state/state-formats.ts";
import type { RequestedIds, StreamIds } from "../positions/stream-position.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { StreamKey, Topic } from "../topics/topic.ts";
import { utf8Length } from "./utf8-length.ts";

/** A subscription to request, and the ids to resume it after. */
export interface SubscribeItem {
  readonly subscription: SharedSubscription;
  readonly ids: RequestedIds;
}

/** One `subscribe`, for one subscription or for several markets of a channel. */
export interface SubscribeRequest {
  readonly items: readonly SubscribeItem[];
  readonly content: object;
  /** Returns what a reply, or a part of it, says about one subscription; undefined if it says nothing. */
  replyFor(subscription: SharedSubscription, reply: SubscribedMessage): SubscribedMessage | undefined;
}

/** One `unsubscribe`, for one topic or for several markets of a channel. */
export interface UnsubscribeRequest {
  readonly topics: readonly Topic[];
  readonly content: object;
}

/** Bytes of a request without its markets and ids: event, channel, field names, id of the request. */
const ENVELOPE_BYTES = 400;

/** Bytes around a market in a list, and around a market and its id in a map. */
const LIST_BYTES = 1;
const MAP_BYTES = 4;

/** A name that parsers drop from a map: the request of this market contains no other, so that it needs no map. */
const UNSAFE_NAME = "__proto__";

/** Returns the id that a request for one stream names. */
const singleId = ({ subscription, ids }: SubscribeItem): string | undefined =>
  typeof ids === "object" ? ids.get(subscription.topic.marketId) : ids;

/** Counts the bytes of a market, and of its id where the request names one. */
function sizeOf(item: SubscribeItem): number {
  const market = bytesOf(item.subscription.topic.marketId ?? "");
  if (item.ids === undefined) return market + LIST_BYTES;
  return 2 * market + LIST_BYTES + MAP_BYTES + (singleId(item) ?? FIRST_ID).length;
}

/** Returns the options of a request other than its streams. */
const wishOf = ({ channel, receivers: { maxRate, depth } }: SharedSubscription): object => ({
  maxRate,
  depth,
  changes: isStateChannel(channel) || undefined,
});

const withoutUndefined = (content: object): object =>
  Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined));

const bytesOf = (text: string): number => utf8Length(JSON.stringify(text));

/** Splits a list into parts with a limit of items and bytes. An item above the limit becomes a part of its own. */
function split<T>(items: readonly T[], maximumBytes: number, sizeOf: (item: T) => number): T[][] {
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
 * Returns as many ids of a whole channel as one request can name, the newest first, since those streams have most likely
 * moved again. The others are requested after the reply, if it shows that they moved.
 */
function newest(ids: StreamIds, maximumBytes: number): Map<StreamKey, string> {
  const sorted = [...ids].sort(([, a], [, b]) => compareIds(b, a));
  const [part = []] = split(sorted, maximumBytes, ([key = "", id]) => bytesOf(key) + id.length + MAP_BYTES);
  return new Map(part);
}

function singleRequest({ subscription, ids }: SubscribeItem, maximumBytes: number): SubscribeRequest {
  const { topic, hasOneStream } = subscription;
  const named = typeof ids === "object" && !hasOneStream ? newest(ids, maximumBytes) : ids;
  const many = typeof named === "object" ? Object.fromEntries(named) : named;
  const lastId = hasOneStream ? singleId({ subscription, ids }) : many;
  return {
    items: [{ subscription, ids: named }],
    content: withoutUndefined({ ...topic, lastId, ...wishOf(subscription) }),
    replyFor: (_, reply) => reply,
  };
}

function bundledRequest(items: readonly SubscribeItem[]): SubscribeRequest {
  const [first] = items;
  const markets = items.map(({ subscription }) => subscription.topic.marketId ?? "");
  const lastId = Object.fromEntries(items.map((item, index) => [markets[index], singleId(item) ?? FIRST_ID]));
  return {
    items,
    content: withoutUndefined({
      channel: first?.subscription.channel,
      marketId: markets,
      lastId: first?.ids === undefined ? undefined : lastId,
      ...(first && wishOf(first.subscription)),
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

const toRequest = (items: readonly SubscribeItem[], maximumBytes: number): SubscribeRequest => {
  const [first] = items;
  return first && items.length === 1 ? singleRequest(first, maximumBytes) : bundledRequest(items);
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
 * Bundles subscriptions into requests of at most `maximumBytes`: the single markets of a channel share a request, so that
 * a page with hundreds of them reconnects with few requests. Those that resume and those that start go separately: in one
 * request, a market that starts beside one that resumes would not get its snapshot. So do those with another `maxRate` or `depth`.
 */
export function bundleSubscribes(items: readonly SubscribeItem[], maximumBytes: number): SubscribeRequest[] {
  const groups = groupBy(items, (item) => {
    const { channel, topic, receivers } = item.subscription;
    if (topic.marketId === undefined || topic.marketId === UNSAFE_NAME) return item;
    return `${channel} ${item.ids === undefined} ${receivers.maxRate} ${receivers.depth}`;
  });
  return groups.flatMap((group) => split(group, maximumBytes, sizeOf).map((part) => toRequest(part, maximumBytes)));
}

/** Bundles topics into requests that unsubscribe from them, each of at most `maximumBytes`. */
export function bundleUnsubscribes(topics: readonly Topic[], maximumBytes: number): UnsubscribeRequest[] {
  const groups = groupBy(topics, (topic) => (topic.marketId === undefined ? topic : topic.channel));
  const parts = groups.flatMap((group) => split(group, maximumBytes, (topic) => bytesOf(topic.marketId ?? "") + 1));
  return parts.map((part) => {
    const [first] = part;
    const markets = part.map(({ marketId }) => marketId ?? "");
    const content = part.length === 1 ? { ...first } : { channel: first?.channel, marketId: markets };
    return { topics: part, content: withoutUndefined(content) };
  });
}
