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
import { readState } from "../../../kernel/streams/stored-state.ts";
import { createStreamReader } from "../../../kernel/streams/stream-reader.ts";
import { openTracer, tracingEnvironment } from "../../../kernel/tracing/open-tracer.ts";
import { openPoster, openRedis } from "../clients.ts";
import { reportErrors } from "../error-report.ts";
import { createEdgeStreams } from "../streams/edge-streams.ts";
import { openTable } from "../table/open-table.ts";
import { createFanOut } from "./fan-out.ts";

/** Subscribers that one invocation posts to in less than half a second, at some 20 ms a post and 50 at once. */
const SPLIT_OVER = 1_000;

const logger = new Logger({ serviceName: "managed-edge-fan-out" });

const environment = redisEnvironment
  .extend(redisSecretEnvironment.shape)
  .extend(edgeEnvironment.shape)
  .extend(edgeQueueEnvironment.shape)
  .extend(edgeFanOutEnvironment.shape)
  .extend(tracingEnvironment.shape);
const config = parseEnvironment(environment, process.env);
const { redis, withFreshPassword } = await openRedis(config, logger);
const { RT_EDGE_QUEUE_URL } = config;

export const handler = withFreshPassword(
  createFanOut({
    ...openTable(config.RT_EDGE_TABLE),
    streams: createEdgeStreams(redis),
    reader: createStreamReader(redis),
    readState: (stream) => readState(redis, stream),
    poster: openPoster(config.RT_EDGE_MANAGEMENT_URL),
    enqueueHints: RT_EDGE_QUEUE_URL === undefined ? undefined : await createEdgeQueue(RT_EDGE_QUEUE_URL),
    splitOver: SPLIT_OVER,
    tracer: await openTracer(config, "managed-edge-fan-out"),
    windowMs: config.RT_EDGE_WINDOW_MS,
    onError: reportErrors(logger, config.AWS_LAMBDA_FUNCTION_NAME),
    onCursorReplaced: (channel) => logger.warn("cursor replaced: not valid or ahead of its stream", { channel }),
  }),
);
