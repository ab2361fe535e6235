import type { Redis } from "ioredis";
import type { Publisher } from "../../kernel/streams/publisher.ts";
import { trade } from "../path/setup.ts";

const MARKETS = 100;
const STEPS = 6;

async function usage(redis: Redis) {
  const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
  let streams = 0;
  let entries = 0;
  for await (const keys of redis.scanStream({ match: "stream:*", count: 1_000 })) {
    for (const key of keys as string[]) {
      streams += 1;
      entries += await redis.xlen(key);
    }
  }
  return { used, streams, entries };
}

/** The sets of seen events expire by themselves, for trades 20 minutes later at most; here they are taken away. */
async function forgetEvents(redis: Redis): Promise<number> {
  let count = 0;
  for await (const keys of redis.scanStream({ match: "seen:*", count: 1_000 })) {
    for (const key of keys as string[]) count += await redis.scard(key);
    if (keys.length > 0) await redis.del(...(keys as string[]));
  }
  return count;
}

/** Publishes ever more trades of the same markets and looks at what Redis holds after each sixth. */
export async function measureMemory(redis: Redis, publisher: Publisher, messages: number) {
  await redis.flushall();
  const rows = [];
  const perStep = Math.ceil(messages / STEPS);
  for (let step = 1; step <= STEPS; step += 1) {
    for (let sent = 0; sent < perStep; sent += 500) {
      const number = (step - 1) * perStep + sent;
      await publisher.publish(
        Array.from({ length: 500 }, (_, index) =>
          trade(`memory-${(number + index) % MARKETS}`, `memory-${number + index}`),
        ),
      );
    }
    const withEvents = await usage(redis);
    const forgotten = await forgetEvents(redis);
    const { used, streams, entries } = await usage(redis);
    rows.push({
      published: step * perStep,
      streams,
      entries,
      megabytes: Number((used / 1e6).toFixed(1)),
      bytesPerSeenEvent: Math.round((withEvents.used - used) / Math.max(1, forgotten)),
    });
  }
  return rows;
}
