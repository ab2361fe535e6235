import type { Cluster, Redis } from "ioredis";
import pLimit from "p-limit";
import type { Channel } from "../channels.ts";
import type { Stream } from "../stream.ts";
import { type Entry, parseItem } from "./entry.ts";
import { indexKey, streamKey } from "./redis-keys.ts";

/** Reads under way at once from one node: enough to fill a connection, few enough not to starve publishers. */
const MAXIMUM_READS = 32;

type Item = [id: string, fields: string[]];

/** Reads streams from Redis. Every method rejects with Redis's error; entries that are not ours are left out. */
export interface StreamReader {
  /** The newest entries, oldest first. */
  newest(stream: Stream, count: number): Promise<Entry[]>;
  /** The oldest entries after an id, oldest first. */
  after(stream: Stream, id: string, count: number): Promise<Entry[]>;
  /** The keys of a channel's streams that were published to at `sinceMs` (milliseconds since 1970) or later. */
  activeKeys(channel: Channel, sinceMs: number): Promise<string[]>;
}

const parseItems = (items: Item[]): Entry[] => items.map(parseItem).filter((entry) => entry !== undefined);

export function createStreamReader(redis: Redis | Cluster): StreamReader {
  const limit = pLimit(MAXIMUM_READS);
  return {
    newest: (stream, count) =>
      limit(async () => parseItems(await redis.xrevrange(streamKey(stream), "+", "-", "COUNT", count)).reverse()),
    after: (stream, id, count) =>
      limit(async () => parseItems(await redis.xrange(streamKey(stream), `(${id}`, "+", "COUNT", count))),
    activeKeys: (channel, sinceMs) => limit(() => redis.zrangebyscore(indexKey(channel), sinceMs, "+inf")),
  };
}
