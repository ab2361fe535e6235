import type { Cluster, Redis } from "ioredis";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { timeOf } from "../../contract/ids.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import { shardsOf } from "../managed-edge/edge-table.ts";
import { describeStream } from "../streams/publish-outcome.ts";
import {
  edgeCursorKey,
  frozenKey,
  guardKey,
  indexKey,
  staleSinceKey,
  stateKey,
  streamKey,
  wholeChannelRoom,
} from "../streams/redis-keys.ts";
import { FROZEN_WHILE_MS } from "../streams/stale-run.ts";
import { MAXIMUM_ID_AHEAD_MS } from "../streams/stream-clock.ts";

/** A stream or entity that got only older states since its last accepted one. */
export interface StaleRun {
  /** The market, the order or the copy trade; empty where it is the stream itself. */
  readonly name: string;
  /** The time of the first of these, in ms since 1970 by Redis's clock. */
  readonly since: number;
  /** True where they still come, and have for too long: subscribers see a value that does not change. */
  readonly isFrozen: boolean;
}

/** The state of a stream in Redis. */
export interface StreamInspection {
  readonly stream: Stream;
  /** The Redis key of its entries. */
  readonly key: string;
  readonly entries: number;
  /** The id of the newest entry. */
  readonly newestId?: string;
  /** The time by which that id is ahead of Redis's clock, in ms; negative for an id of the past. */
  readonly aheadMs?: number;
  /** True where that is too far: gateways refuse the entry, and the next publish starts the stream anew. */
  readonly isUnusable: boolean;
  /** The version that older ones are compared with, where the stream is one state. */
  readonly heldVersion?: number;
  readonly heldEpoch?: string;
  /** The number of orders or copy trades whose versions are remembered. */
  readonly guarded?: number;
  readonly stale: readonly StaleRun[];
}

/** Checks the key as publishing does. */
function assertStream(stream: Stream): void {
  const { key } = channelDefinition(stream.channel);
  if ((key === "none") === (stream.key === undefined)) return;
  throw new RangeError(`channel ${stream.channel} ${key === "none" ? "has no key" : `needs a ${key}`}`);
}

const redisTime = async (redis: Redis | Cluster, key: string): Promise<number> => {
  // The time of the node that has the stream, which gives its entries their ids.
  const script = "local t = redis.call('TIME') return { t[1], t[2] }";
  const [seconds, microseconds] = (await redis.eval(script, 1, key)) as [string, string];
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
};

/** Lists a stream's own runs: the markets of a public channel share one set. */
async function staleRuns(redis: Redis | Cluster, stream: Stream, now: number): Promise<StaleRun[]> {
  const isShared = wholeChannelRoom(stream.channel) !== undefined;
  const [since, last] = await Promise.all([
    redis.zrange(staleSinceKey(stream), "0", "-1", "WITHSCORES"),
    redis.zrange(frozenKey(stream), "0", "-1", "WITHSCORES"),
  ]);
  const scores = (flat: readonly string[]): Map<string, number> =>
    new Map(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, Number(flat[index + 1])] as const] : [])));
  const frozen = scores(last);
  return [...scores(since)]
    .filter(([name]) => !isShared || name === stream.key)
    .map(([name, first]) => ({ name, since: first, isFrozen: (frozen.get(name) ?? 0) > now - FROZEN_WHILE_MS }));
}

async function guardedOf(redis: Redis | Cluster, stream: Stream): Promise<{ readonly guarded?: number }> {
  if (channelDefinition(stream.channel).stateOf !== "data.id") return {};
  const names = await Promise.all(
    (["current", "previous"] as const).map((generation) => redis.hkeys(guardKey(stream, generation))),
  );
  return { guarded: new Set(names.flat()).size };
}

/** Reads the version that a stream of one state holds in its newest entry. */
function heldOf(channel: Channel, fields: readonly string[]): Pick<StreamInspection, "heldVersion" | "heldEpoch"> {
  const [, , , , name, version, , , , epochs = ""] = fields;
  if (channelDefinition(channel).stateOf !== "stream" || name !== "v") return {};
  const [epoch] = epochs.split(" ");
  return { heldVersion: Number(version), ...(epoch ? { heldEpoch: decodeURIComponent(epoch) } : {}) };
}

/**
 * Resolves with the state of a stream: its newest entry, the version that older states are compared with, and since when it
 * has got only these. Needs a Redis user that may read keys, such as the default one.
 *
 * @throws RangeError where the channel needs a key or has none; else Redis's error.
 */
export async function inspectStream(redis: Redis | Cluster, stream: Stream): Promise<StreamInspection> {
  assertStream(stream);
  const key = streamKey(stream);
  const now = await redisTime(redis, key);
  const [[newest], entries, stale, guarded] = await Promise.all([
    redis.xrevrange(key, "+", "-", "COUNT", 1),
    redis.xlen(key),
    staleRuns(redis, stream, now),
    guardedOf(redis, stream),
  ]);
  if (!newest) return { stream, key, entries, isUnusable: false, stale, ...guarded };
  const [newestId, fields] = newest;
  const aheadMs = timeOf(newestId) - now;
  const held = heldOf(stream.channel, fields);
  const isUnusable = aheadMs > MAXIMUM_ID_AHEAD_MS;
  return { stream, key, entries, newestId, aheadMs, isUnusable, stale, ...held, ...guarded };
}

/**
 * Deletes a stream with everything that decides about its next message: versions, runs of older states, and the managed
 * edge's cursors. The sets of seen events stay, so that no event is published twice. Subscribers see the reset by
 * `recovered: false`, or by the next message. Resolves with the number of entries that were deleted.
 *
 * @throws RangeError where the channel needs a key or has none; else Redis's error.
 */
export async function resetStream(redis: Redis | Cluster, stream: Stream): Promise<number> {
  assertStream(stream);
  const key = streamKey(stream);
  const isShared = wholeChannelRoom(stream.channel) !== undefined;
  const cursors = Array.from({ length: shardsOf(stream.channel) }, (_, shard) => edgeCursorKey(stream, shard));
  const guards = [guardKey(stream, "current"), guardKey(stream, "previous")];
  const transaction = redis
    .multi()
    .xlen(key)
    .del(key, stateKey(stream), ...guards, edgeCursorKey(stream), ...cursors);
  if (isShared && stream.key !== undefined) {
    transaction.zrem(staleSinceKey(stream), stream.key).zrem(frozenKey(stream), stream.key);
    transaction.zrem(indexKey(stream.channel), stream.key);
  } else {
    transaction.del(staleSinceKey(stream), frozenKey(stream));
  }
  const results = await transaction.exec();
  for (const [error] of results ?? []) if (error) throw error;
  const [, entries] = results?.[0] ?? [];
  if (typeof entries !== "number")
    throw new Error(`${describeStream(stream)} (${roomName(stream)}): not reset, no answer from Redis`);
  return entries;
}
