import { pino } from "pino";
import { asError } from "../kernel/as-error.ts";
import { createTokenVerifier } from "../kernel/auth/token-verifier.ts";
import { parseEnvironment } from "../kernel/env.ts";
import { connectPublisher, connectReader, connectSubscriber } from "../kernel/redis/redis.ts";
import { RedisPassword } from "../kernel/redis/redis-password.ts";
import { createPublisher } from "../kernel/streams/publisher.ts";
import { createStaleLog } from "../kernel/streams/stale-log.ts";
import { openTracer } from "../kernel/tracing/open-tracer.ts";
import { gatewayEnvironment } from "./config.ts";
import { createGatewayId } from "./control/gateway-id.ts";
import { createDrainer } from "./drain.ts";
import { reportMetrics } from "./embedded-metrics.ts";
import { createMetricsServer } from "./metrics-server.ts";
import { createGateway } from "./server.ts";
import { tryWriteModes } from "./socket-io/self-test.ts";

const config = parseEnvironment(gatewayEnvironment, process.env);
const logger = pino({ level: config.RT_LOG_LEVEL, base: { service: "gateway" } });
const onRedisError = (connection: string) => (error: Error) =>
  logger.warn({ connection, reason: error.message }, "Redis connection failed");

const password = await openPassword();
const redisConfig = { ...config, RT_REDIS_PASSWORD: password.value };
const subscriber = password.follow(connectSubscriber(redisConfig, onRedisError("subscriber")));
const reader = password.follow(connectReader(redisConfig, onRedisError("reader")));
const publishing = password.follow(connectPublisher(redisConfig, onRedisError("publisher")));
password.keepFresh();
const writeModes = await tryWriteModes({
  hasDirectWrites: config.RT_DIRECT_WRITES,
  hasCompression: config.RT_COMPRESSION,
});
if (config.RT_DIRECT_WRITES && !writeModes.hasDirectWrites) {
  logger.warn(
    "direct socket writes disabled: self-test failed with this socket.io version; using socket.io writes (more CPU per delivery)",
  );
} else if (config.RT_DIRECT_WRITES && config.RT_COMPRESSION && !writeModes.hasCompression) {
  logger.warn(
    "shared compression disabled: self-test failed with this socket.io and ws version; sending uncompressed (more traffic)",
  );
}
const tracer = await openTracer(config, "gateway");
const gateway = createGateway({
  config,
  tracer,
  writeModes,
  subscriber,
  reader,
  publisher: createPublisher(publishing, {
    listener: createStaleLog((message, details) => logger.warn(details, message)),
    maximumClockSkewMs: config.RT_MAXIMUM_CLOCK_SKEW_MS,
  }),
  verifyToken: createTokenVerifier(config),
  logger,
  control: {
    id: createGatewayId(config.ECS_CONTAINER_METADATA_URI_V4),
    onDrain: () => void stop("control message"),
  },
  redisAddress: new URL(config.RT_REDIS_URL).host,
});

/** Reads the Redis password. Ends the process where that fails: the deployment then fails by itself. */
async function openPassword(): Promise<RedisPassword> {
  try {
    return await RedisPassword.open(config, {
      onError: (error) =>
        logger.warn({ reason: error.message }, "Redis password not read again; the last one stays in use"),
    });
  } catch (error) {
    logger.fatal({ reason: asError(error).message }, "cannot read the Redis password");
    process.exit(1);
  }
}

// An unhandled rejection must not end the process and with it thousands of connections.
process.on("unhandledRejection", (reason) => logger.error({ reason: String(reason) }, "unhandled rejection"));

const drainer = createDrainer(gateway, { seconds: config.RT_DRAIN_SECONDS, logger });
let stopping = false;
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  await drainer.drain(signal);
  await gateway.close();
  await tracer?.flush();
  for (const connection of [subscriber, reader, publishing]) connection.disconnect();
  logger.info("stopped");
  process.exit(0);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop(signal));
if (config.RT_TARGET_GROUP_ARN && config.ECS_CONTAINER_METADATA_URI_V4) {
  // The AWS SDK is loaded only where it is used: it takes as long to load as the rest.
  const { watchTargetHealth } = await import("./target-health.ts");
  watchTargetHealth({
    targetGroupArn: config.RT_TARGET_GROUP_ARN,
    metadataUri: config.ECS_CONTAINER_METADATA_URI_V4,
    port: config.RT_PORT,
    // The process goes on: ECS sends SIGTERM once the load balancer has no connection left, or at the end of its delay.
    onDraining: () => void drainer.drain("target draining"),
    onRegistered: () => gateway.admit(),
    onError: (error) =>
      logger.warn({ reason: error.message }, "cannot read the target health; until then only SIGTERM starts the drain"),
  });
}
if (config.RT_EMF) {
  reportMetrics({
    metrics: gateway.metrics,
    connections: () => gateway.namespace.sockets.size,
    takeLatencies: () => gateway.publishToWrite.takeSample(),
    environment: config.RT_ENVIRONMENT,
    intervalMs: config.RT_EMF_INTERVAL_MS,
    write: (line) => process.stdout.write(`${line}\n`),
  });
}

if (config.RT_METRICS_PORT !== undefined) {
  const metrics = createMetricsServer(gateway.metrics.registry);
  // Clients are served all the same.
  metrics.on("error", (error) => logger.error({ reason: error.message }, "cannot serve /metrics"));
  metrics.listen(config.RT_METRICS_PORT, () => logger.info({ address: metrics.address() }, "serving /metrics"));
}
gateway.http.on("error", (error) => {
  logger.fatal({ reason: error.message }, "cannot listen");
  process.exit(1);
});
gateway.http.listen(config.RT_PORT, () => logger.info({ address: gateway.http.address() }, "listening"));
