import { Cluster, type Redis } from "ioredis";
import type { Counter, Gauge } from "prom-client";

interface UsageGauges {
  readonly redisUsedMemory: Gauge<"primary">;
  readonly redisMaximumMemory: Gauge<"primary">;
  readonly redisEvictedKeys: Counter<"primary">;
}

interface RedisUsageOptions {
  readonly reader: Redis | Cluster;
  readonly metrics: UsageGauges;
  readonly intervalMs: number;
  readonly onError: (error: unknown, stage: string) => void;
}

const primariesOf = (reader: Redis | Cluster): readonly Redis[] =>
  reader instanceof Cluster ? reader.nodes("master") : [reader];

async function readPrimary(redis: Redis) {
  const info = await redis.info("memory", "stats");
  const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
  const { host, port } = redis.options;
  return {
    primary: `${host}:${port}`,
    used: field("used_memory"),
    maximum: field("maxmemory"),
    evicted: field("evicted_keys"),
  };
}

/** Updates the metrics of memory and evictions of every primary at each interval, until `stop`. */
export function watchRedisUsage({ reader, metrics, intervalMs, onError }: RedisUsageOptions): { stop(): void } {
  const evictedBefore = new Map<string, number>();
  const update = async (): Promise<void> => {
    try {
      const answers = await Promise.all(primariesOf(reader).map(readPrimary));
      for (const gauge of [metrics.redisUsedMemory, metrics.redisMaximumMemory]) gauge.reset();
      for (const { primary, used, maximum, evicted } of answers) {
        metrics.redisUsedMemory.set({ primary }, used);
        if (maximum > 0) metrics.redisMaximumMemory.set({ primary }, maximum);
        metrics.redisEvictedKeys.inc({ primary }, Math.max(0, evicted - (evictedBefore.get(primary) ?? evicted)));
        evictedBefore.set(primary, evicted);
      }
    } catch (error) {
      onError(error, "usage");
    }
  };
  const timer = setInterval(update, intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
