import type { Cluster, Redis } from "ioredis";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { UsageError } from "../command/context.ts";
import type { System } from "./system.ts";

export type RedisConnection = Redis | Cluster;

/** Returns the primaries of a cluster, or the one server. */
export const primariesOf = (redis: RedisConnection): readonly Redis[] =>
  "nodes" in redis ? redis.nodes("master") : [redis];

/**
 * Connects to the system's Redis, runs `use` and disconnects.
 *
 * @throws UsageError where no Redis is named; else what `use` throws, with the connection's own error.
 */
export async function withRedis<T>(system: System, use: (redis: RedisConnection) => Promise<T>): Promise<T> {
  if (system.environment.RT_REDIS_URL === undefined) {
    throw new UsageError(
      `no Redis is known: there is no local system at ${system.url.origin}; for a deployed one set RT_REDIS_URL, from a machine inside the VPC`,
    );
  }
  let lastError: Error | undefined;
  const redis = connectPublisher(parseEnvironment(redisEnvironment, system.environment), (error) => {
    lastError = error;
  });
  try {
    // A cluster knows its primaries only once it is connected.
    await redis.ping();
    return await use(redis);
  } catch (cause) {
    if (!lastError || !(cause instanceof Error) || cause.message.includes(lastError.message)) throw cause;
    throw new Error(`${cause.message}: ${lastError.message}`, { cause });
  } finally {
    redis.disconnect();
  }
}
