import * as z from "zod";
import { boundedRequests } from "../aws/bounded-requests.ts";

/** Longest wait for one attempt, in ms, and attempts. */
const LIMITS = { timeoutMs: 2_000, attempts: 2 };

/**
 * Longest for all attempts, in ms: below the 10 s that Lambda gives a start and, with the limits of Redis and the managed
 * edge's queue in one `publish()`, below a function's 15 s.
 */
const TIMEOUT_MS = 5_000;

/** Where the Redis password is, for a function: its environment, which many may read, does not hold the password. */
export const redisSecretEnvironment = z.object({
  /** The secret of AWS Secrets Manager whose value is the password. Absent where `RT_REDIS_PASSWORD` is used. */
  RT_REDIS_SECRET_ARN: z.string().startsWith("arn:", "must be the ARN of a secret").optional(),
});

/** The secret could not be read, or is empty. The next call that needs the password reads it again. */
export class RedisSecretError extends Error {
  override readonly name = "RedisSecretError";
}

/**
 * Reads the Redis password from its secret. Undefined without a secret, so that a local run needs no AWS.
 *
 * @throws RedisSecretError that names the secret, never its value.
 */
export async function readRedisPassword(secretArn: string | undefined): Promise<string | undefined> {
  if (secretArn === undefined) return undefined;
  // Only here: the SDK costs a cold start some 100 ms, and a local run does not need it.
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
  const client = new SecretsManagerClient(boundedRequests(LIMITS));
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }), {
      abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!SecretString) throw new RedisSecretError(`secret ${secretArn} is empty`);
    return SecretString;
  } catch (cause) {
    if (cause instanceof RedisSecretError) throw cause;
    const reason = cause instanceof Error ? cause.name : String(cause);
    throw new RedisSecretError(`secret ${secretArn} cannot be read: ${reason}`, { cause });
  } finally {
    client.destroy();
  }
}
