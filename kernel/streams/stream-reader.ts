import type { Cluster, Redis } from "ioredis";
import pLimit from "p-limit";
import type { Channel } from "../../contract/channels.ts";
import type { Stream } from "../../contract/stream.ts";
import { type Entry, parseItem } from "./entry.ts";
import { indexKey, streamKey } from "./redis-keys.ts";

/** Reads under way at once from one node: enough to fill a connection, few enough not to starve publishers. */
const MAXIMUM_READS = 32;

type Item = [id: string, fields: string[]];

/** Why an item of a stream was left out: it is no entry of ours, or its id is further ahead than Redis's clock can be. */
export type LeftOut = "malformed" | "id_ahead";

/** Which ids are too far ahead to be believed. Without it all are taken. */
export interface IdGuard {
  isAhead(id: string): boolean;
  /** The newest id that is not too far ahead. */
  readonly newestId: string;
}

interface StreamReaderOptions {
  readonly guard?: IdGuard;
  /** Called for each item that was left out of an answer. */
  readonly onLeftOut?: (reason: LeftOut) => void;
}

/** Reads streams from Redis. Every method rejects with Redis's error; entries that are not ours are left out. */
export interface StreamReader {
  /** The newest entries, oldest first. */
  newest(stream: Stream, count: number): Promise<Entry[]>;
  /** The oldest entries after an id, oldest first. */
  after(stream: Stream, id: string, count: number): Promise<Entry[]>;
  /** The keys of a channel's streams that were published to at `sinceMs` (milliseconds since 1970) or later. */
  activeKeys(channel: Channel, sinceMs: number): Promise<string[]>;
}

/** Builds the reader on a connection that the caller owns. */
export function createStreamReader(redis: Redis | Cluster, options: StreamReaderOptions = {}): StreamReader {
  const { guard, onLeftOut } = options;
  const limit = pLimit(MAXIMUM_READS);
  const isAhead = (item: Item): boolean => guard?.isAhead(item[0]) ?? false;
  const parseItems = (items: readonly Item[]): Entry[] => {
    const entries: Entry[] = [];
    for (const item of items) {
      const entry = isAhead(item) ? undefined : parseItem(item);
      if (entry) entries.push(entry);
      else onLeftOut?.(isAhead(item) ? "id_ahead" : "malformed");
    }
    return entries;
  };
  const readNewest = async (stream: Stream, count: number): Promise<Item[]> => {
    const items = await redis.xrevrange(streamKey(stream), "+", "-", "COUNT", count);
    if (!guard || !items.some(isAhead)) return items;
    // What is too far ahead hides the entries that were asked for.
    for (const item of items) if (isAhead(item)) onLeftOut?.("id_ahead");
    return redis.xrevrange(streamKey(stream), guard.newestId, "-", "COUNT", count);
  };
  return {
    newest: (stream, count) => limit(async () => parseItems((await readNewest(stream, count)).reverse())),
    after: (stream, id, count) =>
      limit(async () => parseItems(await redis.xrange(streamKey(stream), `(${id}`, "+", "COUNT", count))),
    activeKeys: (channel, sinceMs) => limit(() => redis.zrangebyscore(indexKey(channel), sinceMs, "+inf")),
  };
}
