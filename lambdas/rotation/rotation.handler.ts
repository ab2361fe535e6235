import { Logger } from "@aws-lambda-powertools/logger";
import { ElastiCacheClient } from "@aws-sdk/client-elasticache";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as z from "zod";
import { boundedRequests } from "../../kernel/aws/bounded-requests.ts";
import { parseEnvironment, redisEnvironment, rotationEnvironment } from "../../kernel/env.ts";
import { RedisUser } from "./redis-user.ts";
import { createRotation } from "./rotation.ts";
import { SecretVersions } from "./secret-versions.ts";
import { tryPassword } from "./try-password.ts";

const POLL_MS = 1_000;

const logger = new Logger({ serviceName: "redis-rotation" });

const environment = redisEnvironment.extend(rotationEnvironment.shape).extend({
  /** The secret that is rotated; its value is the password. */
  RT_REDIS_SECRET_ARN: z.string().startsWith("arn:", "must be the ARN of a secret"),
});
const config = parseEnvironment(environment, process.env);

export const handler = createRotation({
  secret: new SecretVersions(new SecretsManagerClient(boundedRequests()), config.RT_REDIS_SECRET_ARN),
  user: new RedisUser(new ElastiCacheClient(boundedRequests()), config.RT_REDIS_USER_ID, { pollMs: POLL_MS }),
  tryPassword: (password) => tryPassword(config, password),
  onStep: (step) => logger.info("rotation step done", { step, user: config.RT_REDIS_USER_ID }),
});
