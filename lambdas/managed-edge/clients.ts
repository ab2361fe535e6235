import type { Logger } from "@aws-lambda-powertools/logger";
import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import type { Cluster, Redis } from "ioredis";
import { ATTEMPTS, requestHandler } from "../../kernel/aws/aws-bounds.ts";
import { connectPublisher, type RedisConfig } from "../../kernel/redis/redis.ts";
import { readRedisPassword } from "../../kernel/redis/redis-secret.ts";
import { createPoster, type Poster } from "./posting/poster.ts";

/** Posts to the connections of the API at that URL. */
export const openPoster = (managementUrl: string): Poster =>
  createPoster(new ApiGatewayManagementApiClient({ endpoint: managementUrl, maxAttempts: ATTEMPTS, requestHandler }));

/**
 * A connection to Redis for the life of the execution environment, opened by the first command. As a publisher's: it
 * fails within seconds, and what invoked the function tries again.
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

/** The listener for what goes wrong in a function: logs the error, never an event, which may carry tokens. */
export const logErrors =
  (logger: Logger) =>
  (error: unknown, stage: string): void =>
    logger.error("failed", { stage, error: error instanceof Error ? error : String(error) });
