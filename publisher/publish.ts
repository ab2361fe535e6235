import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import * as z from "zod";
import type { ChannelMessage } from "../contract/domain-events.ts";
import { edgeQueueEnvironment, parseEnvironment, publishingEnvironment, redisEnvironment } from "../kernel/env.ts";
import { createEdgeQueue } from "../kernel/managed-edge/edge-queue.ts";
import { connectPublisher } from "../kernel/redis/redis.ts";
import { readRedisPassword, redisSecretEnvironment } from "../kernel/redis/redis-secret.ts";
import { PUBLISH_METRICS } from "../kernel/streams/publish-metrics.ts";
import { createPublisher, type PublishOutcome } from "../kernel/streams/publisher.ts";
import { createPublishReport } from "./publish-report.ts";

const logger = new Logger({ serviceName: PUBLISH_METRICS.service });

const environment = z.object({
  ...redisEnvironment.shape,
  ...redisSecretEnvironment.shape,
  ...edgeQueueEnvironment.shape,
  ...publishingEnvironment.shape,
  /** Set by Lambda. */
  AWS_LAMBDA_FUNCTION_NAME: z.string().min(1).default("none"),
});
const { RT_REDIS_SECRET_ARN, RT_EDGE_QUEUE_URL, ...config } = parseEnvironment(environment, process.env);
// Once per execution environment, not once per event.
const password = await readRedisPassword(RT_REDIS_SECRET_ARN);

const report = createPublishReport({
  metrics: new Metrics({ namespace: PUBLISH_METRICS.namespace, serviceName: PUBLISH_METRICS.service }),
  functionName: config.AWS_LAMBDA_FUNCTION_NAME,
  warn: (message, details) => logger.warn(message, details),
});

// One connection for the life of the execution environment: kept across invocations, opened by the first.
const publisher = createPublisher(
  connectPublisher({ ...config, RT_REDIS_PASSWORD: password ?? config.RT_REDIS_PASSWORD }, (error) =>
    logger.warn("Redis connection failed", { reason: error.message }),
  ),
  {
    enqueueHints: RT_EDGE_QUEUE_URL === undefined ? undefined : await createEdgeQueue(RT_EDGE_QUEUE_URL),
    listener: report.listener,
    maximumClockSkewMs: config.RT_MAXIMUM_CLOCK_SKEW_MS,
  },
);

/**
 * Publishes one message or several to their channels; what the Lambdas of other teams import. Await it before the
 * handler returns. Messages of one stream go out in the given order.
 *
 * @throws PublishError where a message could not be published. Let it end the invocation: the event source's retry
 *   publishes again under the same event ids, and what is out already is not sent twice.
 * @example
 * import { publish } from "vezta-realtime/publish";
 *
 * await publish({ channel: "user:notifications", key: userId, eventId: event.id, data: notification });
 */
export async function publish(
  messages: ChannelMessage | readonly ChannelMessage[],
): Promise<readonly PublishOutcome[]> {
  try {
    return await publisher.publish(Array.isArray(messages) ? messages : [messages as ChannelMessage]);
  } finally {
    report.flush();
  }
}
