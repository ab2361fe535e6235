import { Logger } from "@aws-lambda-powertools/logger";
import {
  edgeEnvironment,
  edgeFanOutEnvironment,
  edgeQueueEnvironment,
  parseEnvironment,
  redisEnvironment,
} from "../../../kernel/env.ts";
import { createEdgeQueue } from "../../../kernel/managed-edge/edge-queue.ts";
import { redisSecretEnvironment } from "../../../kernel/redis/redis-secret.ts";
import { createStreamReader } from "../../../kernel/streams/stream-reader.ts";
import { logErrors, openPoster, openRedis } from "../clients.ts";
import { createEdgeStreams } from "../streams/edge-streams.ts";
import { openTable } from "../table/open-table.ts";
import { createFanOut } from "./fan-out.ts";

/** Some 20 ms a post, 50 at once: a room of so many takes one invocation less than half a second. */
const SPLIT_OVER = 1_000;

const logger = new Logger({ serviceName: "managed-edge-fan-out" });

const environment = redisEnvironment
  .extend(redisSecretEnvironment.shape)
  .extend(edgeEnvironment.shape)
  .extend(edgeQueueEnvironment.shape)
  .extend(edgeFanOutEnvironment.shape);
const config = parseEnvironment(environment, process.env);
const redis = await openRedis(config, logger);
const { RT_EDGE_QUEUE_URL } = config;

export const handler = createFanOut({
  ...openTable(config.RT_EDGE_TABLE),
  streams: createEdgeStreams(redis),
  reader: createStreamReader(redis),
  poster: openPoster(config.RT_EDGE_MANAGEMENT_URL),
  enqueueHints: RT_EDGE_QUEUE_URL === undefined ? undefined : await createEdgeQueue(RT_EDGE_QUEUE_URL),
  splitOver: SPLIT_OVER,
  windowMs: config.RT_EDGE_WINDOW_MS,
  onError: logErrors(logger),
  onCursorReplaced: (channel) => logger.warn("cursor replaced: it made no sense", { channel }),
});
