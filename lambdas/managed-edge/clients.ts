import type { Logger } from "@aws-lambda-powertools/logger";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import type { Cluster, Redis } from "ioredis";
import { boundedRequests } from "../../kernel/aws/bounded-requests.ts";
import { connectPublisher, type RedisConfig } from "../../kernel/redis/redis.ts";
import { RedisPassword } from "../../kernel/redis/redis-password.ts";
import { createPoster, type Poster } from "./posting/poster.ts";

/** Returns the poster to the connections of the API at that URL. */
export const openPoster = (managementUrl: string): Poster =>
  createPoster(new ApiGatewayManagementApiClient({ endpoint: managementUrl, ...boundedRequests() }));

/** A connection, and what keeps its password fresh. */
export interface OpenedRedis {
  readonly redis: Redis | Cluster;
  /**
   * Returns the handler, which reads the password again before an event where that was last done minutes ago: a warm
   * function notices a rotation before it needs another connection. As {@link RedisPassword.run}.
   */
  withFreshPassword<E, A>(handler: (event: E) => Promise<A>): (event: E) => Promise<A>;
}

/**
 * Returns a Redis connection for the life of the execution environment, opened by the first command. It is a publisher's
 * connection: commands fail within seconds, and whatever invoked the function retries.
 */
export async function openRedis(
  config: RedisConfig & { readonly RT_REDIS_SECRET_ARN?: string | undefined },
  logger: Logger,
): Promise<OpenedRedis> {
  const password = await RedisPassword.open(config, {
    onError: (error) =>
      logger.warn("Redis password not read again; the last one stays in use", { reason: error.message }),
  });
  const connection = connectPublisher({ ...config, RT_REDIS_PASSWORD: password.value }, (error) =>
    logger.warn("Redis connection failed", { reason: error.message }),
  );
  return {
    redis: password.follow(connection),
    withFreshPassword: (handler) => (event) => password.run(() => handler(event)),
  };
}
