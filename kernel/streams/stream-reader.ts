import type { Cluster, Redis } from "ioredis";
import pLimit from "p-limit";
import type { Channel } from "../../contract/channels.ts";
import type { Stream } from "../../contract/stream.ts";
import { type Entry, parseItem } from "./entry.ts";
import { indexKey, streamKey } from "./redis-keys.ts";

/** Most reads at once: enough to fill a connection, few enough to leave Redis time for publishers. */
const MAXIMUM_READS = 32;

type Item = [id: string, fields: string[]];

/** The reason why an item was left out: it is not an entry of ours, or its id is further ahead than Redis's clock can be. */
export type LeftOut = "malformed" | "id_ahead";

/** Says which ids are too far ahead of Redis's clock. */
export interface IdGuard {
  isAhead(id: string): boolean;
  /** The newest id that is not too far ahead. */
  readonly newestId: string;
}

interface StreamReaderOptions {
  /** @default - no id is too far ahead */
  readonly guard?: IdGuard;
  /** Called for each item that was left out of an answer. */
  readonly onLeftOut?: (reason: LeftOut) => void;
}

/** Reads streams from Redis, and leaves out items that are not entries of ours. Every method rejects with Redis's error. */
export interface StreamReader {
  /** Resolves with the newest entries, oldest first. */
  newest(stream: Stream, count: number): Promise<Entry[]>;
  /** Resolves with the entries that follow an id, oldest first. */
  after(stream: Stream, id: string, count: number): Promise<Entry[]>;
  /** Resolves with the keys of a channel's streams that were published to at `sinceMs` (ms since 1970) or later. */
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
    // Items that are too far ahead take the place of the entries that were asked for.
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
