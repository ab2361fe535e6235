import { Logger } from "@aws-lambda-powertools/logger";
import { authEnvironment, edgeEnvironment, parseEnvironment, redisEnvironment } from "../../contract/server/env.ts";
import { createStreamReader } from "../../contract/server/stream-reader.ts";
import { createTokenVerifier } from "../../contract/server/token-verifier.ts";
import { redisSecretEnvironment } from "../publish/redis-secret.ts";
import { logErrors, openPoster, openRedis } from "./clients.ts";
import { createEdgeStreams } from "./edge-streams.ts";
import { openTable } from "./open-table.ts";
import { createRequests } from "./requests.ts";

const logger = new Logger({ serviceName: "managed-edge-requests" });

const environment = redisEnvironment
  .extend(redisSecretEnvironment.shape)
  .extend(authEnvironment.shape)
  .extend(edgeEnvironment.shape);
const config = parseEnvironment(environment, process.env);
const redis = await openRedis(config, logger);

export const handler = createRequests({
  ...openTable(config.RT_EDGE_TABLE),
  streams: createEdgeStreams(redis),
  reader: createStreamReader(redis),
  poster: openPoster(config.RT_EDGE_MANAGEMENT_URL),
  verifyToken: createTokenVerifier(config),
  onError: logErrors(logger),
});
