import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Bounds of the buckets of a round trip, in seconds. */
const ROUND_TRIP_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Creates the metrics of Redis as the gateway sees it. The label `primary` has as many values as there are shards. */
export function createRedisMetrics(registry: Registry) {
  const registers = [registry];
  return {
    redisErrors: new Counter({
      name: "rt_redis_errors_total",
      help: "Redis connection and command errors, by stage",
      labelNames: ["stage"],
      registers,
    }),
    redisRoundTrip: new Histogram({
      name: "rt_redis_round_trip_seconds",
      help: "Time until a primary answers TIME, which the gateway sends it every 2 s",
      buckets: ROUND_TRIP_BUCKETS,
      registers,
    }),
    redisUsedMemory: new Gauge({
      name: "rt_redis_used_memory_bytes",
      help: "Memory that a primary uses for data and buffers, by primary",
      labelNames: ["primary"],
      registers,
    }),
    redisMaximumMemory: new Gauge({
      name: "rt_redis_maximum_memory_bytes",
      help: "Limit of a primary's memory (maxmemory), by primary; absent where there is none",
      labelNames: ["primary"],
      registers,
    }),
    redisEvictedKeys: new Counter({
      name: "rt_redis_evicted_keys_total",
      help: "Keys that Redis evicted for lack of memory since the gateway started, by primary",
      labelNames: ["primary"],
      registers,
    }),
  };
}

export type RedisMetrics = ReturnType<typeof createRedisMetrics>;
