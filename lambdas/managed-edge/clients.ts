import type { Logger } from "@aws-lambda-powertools/logger";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import type { Cluster, Redis } from "ioredis";
import { boundedRequests } from "../../kernel/aws/bounded-requests.ts";
import { connectPublisher, type RedisConfig } from "../../kernel/redis/redis.ts";
import { readRedisPassword } from "../../kernel/redis/redis-secret.ts";
import { createPoster, type Poster } from "./posting/poster.ts";

/** Returns the poster to the connections of the API at that URL. */
export const openPoster = (managementUrl: string): Poster =>
  createPoster(new ApiGatewayManagementApiClient({ endpoint: managementUrl, ...boundedRequests() }));

/**
 * Returns a Redis connection for the life of the execution environment, opened by the first command. It is a publisher's
 * connection: commands fail within seconds, and whatever invoked the function retries.
 */
export async function openRedis(
  { RT_REDIS_SECRET_ARN, ...config }: RedisConfig & { readonly RT_REDIS_SECRET_ARN?: string | undefined },
  logger: Logger,
): Promise<Redis | Cluster> {
  const password = await readRedisPassword(RT_REDIS_SECRET_ARN);
  return connectPublisher({ ...config, RT_REDIS_PASSWORD: password ?? config.RT_REDIS_PASSWORD }, (error) =>
    logger.warn("Redis connection failed", { reason: error.message }),
  );
}
