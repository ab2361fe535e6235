import type { z } from "zod";
import type { redisEnvironment } from "../../contract/server/env.ts";
import type { RedisAccess } from "./redis-access.ts";

type RedisVariables = Readonly<Partial<Record<keyof z.infer<typeof redisEnvironment>, string>>>;

/** What a function that publishes is told. The password is not among it: it is read from its secret at the start. */
export function publisherEnvironment({ url, passwords }: RedisAccess, service: string): Record<string, string> {
  const redis: RedisVariables = { RT_REDIS_URL: url, RT_REDIS_CLUSTER: "true", RT_REDIS_USERNAME: "publisher" };
  return {
    ...redis,
    RT_REDIS_SECRET_ARN: passwords.publisher.secretArn,
    POWERTOOLS_SERVICE_NAME: service,
    NODE_OPTIONS: "--enable-source-maps",
  };
}
