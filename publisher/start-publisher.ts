import { createEdgeQueue } from "../kernel/managed-edge/edge-queue.ts";
import { connectPublisher } from "../kernel/redis/redis.ts";
import { RedisPassword } from "../kernel/redis/redis-password.ts";
import { createPublisher } from "../kernel/streams/publisher.ts";
import type { StartedPublisher } from "./lazy-publisher.ts";
import type { PublisherLogger } from "./logger.ts";
import { createPublishReport } from "./publish-report.ts";
import type { PublisherConfig } from "./publisher-config.ts";

export interface StartOptions {
  readonly logger: PublisherLogger;
  /** The dimension of the metrics; undefined for no metrics. */
  readonly functionName: string | undefined;
}

/**
 * Builds a publisher whose connection to Redis is kept from its first message on.
 *
 * @throws RedisSecretError where the password cannot be read.
 */
export async function startPublisher(config: PublisherConfig, options: StartOptions): Promise<StartedPublisher> {
  const { RT_EDGE_QUEUE_URL, RT_MAXIMUM_CLOCK_SKEW_MS } = config;
  const { logger } = options;
  const password = await RedisPassword.open(config, {
    onError: (error) =>
      logger.warn("Redis password not read again; the last one stays in use", { reason: error.message }),
  });
  const enqueueHints = RT_EDGE_QUEUE_URL === undefined ? undefined : await createEdgeQueue(RT_EDGE_QUEUE_URL);
  const report = createPublishReport(options);
  const connection = connectPublisher({ ...config, RT_REDIS_PASSWORD: password.value }, (error) =>
    logger.warn("Redis connection failed", { reason: error.message }),
  );
  const redis = password.follow(connection);
  const { listener } = report;
  const publisher = createPublisher(redis, { enqueueHints, listener, maximumClockSkewMs: RT_MAXIMUM_CLOCK_SKEW_MS });
  return {
    publish: (messages) => password.run(() => publisher.publish(messages)),
    flushMetrics: report.flush,
    close: () => {
      redis.disconnect();
      enqueueHints?.close();
    },
  };
}
