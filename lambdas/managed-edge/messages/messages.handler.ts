import { Logger } from "@aws-lambda-powertools/logger";
import { createTokenVerifier } from "../../../kernel/auth/token-verifier.ts";
import { authEnvironment, edgeEnvironment, parseEnvironment, redisEnvironment } from "../../../kernel/env.ts";
import { redisSecretEnvironment } from "../../../kernel/redis/redis-secret.ts";
import { readState } from "../../../kernel/streams/stored-state.ts";
import { createStreamReader } from "../../../kernel/streams/stream-reader.ts";
import { openPoster, openRedis } from "../clients.ts";
import { reportErrors } from "../error-report.ts";
import { createEdgeStreams } from "../streams/edge-streams.ts";
import { openTable } from "../table/open-table.ts";
import { createMessageHandler } from "./client-messages.ts";

const logger = new Logger({ serviceName: "managed-edge-messages" });

const environment = redisEnvironment
  .extend(redisSecretEnvironment.shape)
  .extend(authEnvironment.shape)
  .extend(edgeEnvironment.shape);
const config = parseEnvironment(environment, process.env);
const { redis, withFreshPassword } = await openRedis(config, logger);

export const handler = withFreshPassword(
  createMessageHandler({
    ...openTable(config.RT_EDGE_TABLE),
    streams: createEdgeStreams(redis),
    reader: createStreamReader(redis),
    readState: (stream) => readState(redis, stream),
    poster: openPoster(config.RT_EDGE_MANAGEMENT_URL),
    verifyToken: createTokenVerifier(config),
    onError: reportErrors(logger, config.AWS_LAMBDA_FUNCTION_NAME),
  }),
);
