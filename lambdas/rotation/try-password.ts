import { Cluster } from "ioredis";
import pTimeout from "p-timeout";
import { messageOf } from "../../kernel/as-error.ts";
import { errorTexts, isPasswordRefused } from "../../kernel/redis/error-texts.ts";
import { connectPublisher, type RedisConfig } from "../../kernel/redis/redis.ts";

/** Longest that Redis may take to accept the password on every node, in ms. */
const TRY_MS = 20_000;

/**
 * Opens a connection to every node of Redis with a password.
 *
 * @throws Error that says which user it is and why; never the password.
 */
export async function tryPassword(config: RedisConfig, password: string): Promise<void> {
  let reason: string | undefined;
  const refused = new AbortController();
  const learn = (error: unknown): void => {
    [reason] = errorTexts(error);
    // A client would go on trying.
    if (isPasswordRefused(error)) refused.abort(error);
  };
  const redis = connectPublisher({ ...config, RT_REDIS_PASSWORD: password }, learn);
  if (redis instanceof Cluster) redis.on("node error", learn);
  const answers = async (): Promise<void> => {
    await redis.ping();
    // Replicas as well: after a failover they are what everybody connects to.
    if (redis instanceof Cluster) await Promise.all(redis.nodes("all").map((node) => node.ping()));
  };
  try {
    await pTimeout(answers(), { milliseconds: TRY_MS, signal: refused.signal });
  } catch (cause) {
    const user = config.RT_REDIS_USERNAME;
    const why = reason ?? messageOf(cause);
    throw new Error(`Redis does not accept the new password of user ${user} on every node: ${why}`, { cause });
  } finally {
    redis.disconnect();
  }
}
