import { createServer, type Server as HttpServer } from "node:http";
import { createShardedAdapter } from "@socket.io/redis-adapter";
import type { Cluster, Redis } from "ioredis";
import type { Logger } from "pino";
import type { Server } from "socket.io";
import { NAMESPACE } from "../contract/endpoints.ts";
import { asError } from "../kernel/as-error.ts";
import type { VerifyToken } from "../kernel/auth/token-verifier.ts";
import type { Publisher } from "../kernel/streams/publisher.ts";
import { readState } from "../kernel/streams/stored-state.ts";
import { createStreamReader, type LeftOut } from "../kernel/streams/stream-reader.ts";
import type { Tracer } from "../kernel/tracing/tracer.ts";
import { type BroadcastToChannel, createBroadcast } from "./broadcast.ts";
import type { GatewayConfig } from "./config.ts";
import { authenticateHandshake } from "./connection/authenticate-handshake.ts";
import { Connection } from "./connection/connection.ts";
import { limitTraffic } from "./connection/traffic-limit.ts";
import { serveControl } from "./control/serve-control.ts";
import { FanOut } from "./fan-out/fan-out.ts";
import { createHealth } from "./health.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { PublishToWrite } from "./publish-to-write.ts";
import { Readiness } from "./readiness.ts";
import { Pulse } from "./redis/pulse.ts";
import { RedisClock } from "./redis/redis-clock.ts";
import { watchRedisUsage } from "./redis/redis-usage.ts";
import { ShardedPubSub } from "./redis/sharded-pub-sub.ts";
import { sendRetryHints } from "./retry-hint.ts";
import { registerSampledMetrics } from "./sampled-metrics.ts";
import { createAdapterClient } from "./socket-io/adapter-client.ts";
import { createReleaseHandshake } from "./socket-io/release-handshake.ts";
import type { WriteModes } from "./socket-io/self-test.ts";
import type { GatewayNamespace } from "./socket-io/socket.ts";
import { createSocketServer } from "./socket-io/socket-server.ts";
import { DeliveryTrace } from "./streams/delivery-trace.ts";
import { watchFrozenStreams } from "./streams/frozen-streams.ts";
import { startHeartbeats } from "./streams/heartbeats.ts";
import { isStreamChannel } from "./streams/stream-channels.ts";
import { StreamHub } from "./streams/stream-hub.ts";

/** The dependencies of a gateway; the caller owns the connections and closes them after the gateway. */
export interface GatewayDependencies {
  readonly config: Pick<
    GatewayConfig,
    | "RT_CORS_ORIGINS"
    | "RT_TRANSPORTS"
    | "RT_MAX_CONNECTIONS"
    | "RT_MAX_SUBSCRIPTIONS"
    | "RT_MAX_PAYLOAD_BYTES"
    | "RT_HEARTBEAT_MS"
    | "RT_FAN_OUT_WINDOW_MS"
    | "RT_COMPRESSION_MEMORY_BYTES"
    | "RT_MAX_WAITING_BYTES"
    | "RT_WHOLE_VALUE_RATE"
    | "RT_HANDSHAKES_PER_SECOND"
  >;
  /** The result of `tryWriteModes`. */
  readonly writeModes: WriteModes;
  /** Used for subscriptions only. */
  readonly subscriber: Redis | Cluster;
  /** Used for reads and for the adapter's own messages. */
  readonly reader: Redis | Cluster;
  readonly publisher: Publisher;
  readonly verifyToken: VerifyToken;
  readonly logger: Logger;
  /**
   * The name of this gateway for operators, and what ends it when one of them drains it.
   *
   * @default - operators' control messages are not read
   */
  readonly control?: { readonly id: string; readonly onDrain: () => void };
  /** The address of Redis, for the log: without credentials. */
  readonly redisAddress?: string;
  /** Records the way of traced messages. @default - nothing is traced */
  readonly tracer?: Tracer | undefined;
}

export interface Gateway {
  /** Serves Socket.IO, `/healthz` and `/readyz`. Not listening yet. */
  readonly http: HttpServer;
  readonly namespace: GatewayNamespace;
  readonly metrics: Metrics;
  readonly publishToWrite: PublishToWrite;
  /** Publishes to a channel; see {@link BroadcastToChannel}. */
  readonly broadcastToChannel: BroadcastToChannel;
  /** Makes `/readyz` fail. */
  stopAdmitting(): void;
  /** Ends `stopAdmitting`. */
  admit(): void;
  /** Stops the timers and closes the connections. */
  close(): Promise<void>;
}

/** Longest time for which a heartbeat is deferred, to go out with a message, as a share of the heartbeat interval. */
const HEARTBEAT_DEFER_SHARE = 0.1;

/** Time in which HTTP requests that are under way when the gateway closes can end, in ms. */
const CLOSE_GRACE_MS = 500;

type OnError = (error: unknown, stage: string) => void;

function createHttpServer(readiness: Readiness): HttpServer {
  const http = createServer(createHealth(readiness));
  http.headersTimeout = 10_000;
  http.requestTimeout = 15_000;
  // Longer than the load balancer's idle timeout, or it would reuse a connection that is being closed here.
  http.keepAliveTimeout = 125_000;
  return http;
}

function createFanOut(
  { config, writeModes }: GatewayDependencies,
  { metrics, publishToWrite, onError, trace }: Omit<Delivery, "pubSub" | "clock">,
): FanOut {
  const { hasCompression } = writeModes;
  metrics.compressionMemoryLimit.set(hasCompression ? config.RT_COMPRESSION_MEMORY_BYTES : 0);
  return new FanOut({
    isDirect: writeModes.hasDirectWrites,
    isCompressed: hasCompression,
    compressionMemoryBytes: config.RT_COMPRESSION_MEMORY_BYTES,
    windowMs: config.RT_FAN_OUT_WINDOW_MS,
    heartbeatDeferMs: config.RT_HEARTBEAT_MS * HEARTBEAT_DEFER_SHARE,
    maximumWaitingBytes: config.RT_MAX_WAITING_BYTES,
    onFlushing: () => trace?.flushing(),
    onFlush({ messages, writes, bytes, oldestId }) {
      trace?.flushed();
      if (oldestId !== undefined) publishToWrite.observe(oldestId);
      metrics.deliveries.inc(messages);
      metrics.writes.inc(writes);
      metrics.sentBytes.inc(bytes);
    },
    onReplaced: () => metrics.replaced.inc(),
    onError: (error) => onError(error, "fan-out"),
  });
}

/** The parts that deliver what arrives from Redis. */
interface Delivery {
  readonly pubSub: ShardedPubSub;
  readonly clock: RedisClock;
  readonly metrics: Metrics;
  readonly publishToWrite: PublishToWrite;
  readonly onError: OnError;
  readonly trace: DeliveryTrace | undefined;
}

/** Starts the hub, the fan-out and what runs beside them at intervals. */
function startStreams(dependencies: GatewayDependencies, delivery: Delivery) {
  const { config, reader } = dependencies;
  const { pubSub, clock, metrics, onError, trace } = delivery;
  const fanOut = createFanOut(dependencies, delivery);
  const onLeftOut = (reason: LeftOut): void => metrics.redisDropped.inc({ reason });
  const hub = new StreamHub({
    ...{ pubSub, clock, metrics, onError },
    reader: createStreamReader(reader, { guard: clock, onLeftOut }),
    readState: (stream) => readState(reader, stream),
    wholeValueRate: config.RT_WHOLE_VALUE_RATE,
    onReceived: trace && ((entry) => trace.received(entry)),
    send: (target, content) => fanOut.send(target, content),
  });
  const intervalMs = config.RT_HEARTBEAT_MS;
  const heartbeats = startHeartbeats({ hub, fanOut, pubSub, intervalMs, onError });
  registerSampledMetrics({ registry: metrics.registry, hub, fanOut });
  const usage = watchRedisUsage({ reader, metrics, intervalMs, onError });
  const frozen = watchFrozenStreams({ redis: reader, gauge: metrics.frozenStreams, intervalMs, onError });
  const stop = (): void => {
    heartbeats.stop();
    frozen.stop();
    usage.stop();
    fanOut.close();
  };
  return { hub, fanOut, stop };
}

/** Connects the Socket.IO server to the gateways' other servers, and serves its connections. */
function serveConnections(
  io: Server,
  { config, reader, verifyToken }: GatewayDependencies,
  { pubSub, metrics, onError, hub, fanOut }: Delivery & { readonly hub: StreamHub; readonly fanOut: FanOut },
): GatewayNamespace {
  limitTraffic(io.engine, metrics);
  const releaseHandshake = createReleaseHandshake(io.engine);
  const adapterClient = createAdapterClient({
    ...{ pubSub, commands: reader, isStreamChannel },
    onDrop: (reason) => metrics.redisDropped.inc({ reason }),
    onError: (error) => onError(error, "adapter"),
  });
  io.adapter(createShardedAdapter(undefined, adapterClient));
  const namespace: GatewayNamespace = io.of(NAMESPACE);
  const services = { hub, fanOut, verifyToken, metrics, maximumSubscriptions: config.RT_MAX_SUBSCRIPTIONS, onError };
  namespace.use(authenticateHandshake(verifyToken, metrics));
  namespace.on("connection", (socket) => {
    new Connection(socket, services);
    releaseHandshake(socket);
  });
  sendRetryHints(namespace, config.RT_HANDSHAKES_PER_SECOND);
  return namespace;
}

/** Creates a gateway on open connections. It accepts no clients until its `http` listens. */
export function createGateway(dependencies: GatewayDependencies): Gateway {
  const { config, writeModes, subscriber, reader, publisher, logger, redisAddress, tracer } = dependencies;
  const metrics = createMetrics();
  const onError: OnError = (error, stage) => {
    metrics.redisErrors.inc({ stage });
    logger.warn({ stage, reason: asError(error).message }, "background failure");
  };
  let admitting = true;
  const isFull = (): boolean => io.engine.clientsCount >= config.RT_MAX_CONNECTIONS;
  const pubSub = new ShardedPubSub({ subscriber, onError: (error) => onError(error, "subscribe") });
  const clock = new RedisClock();
  const publishToWrite = new PublishToWrite(clock, metrics.publishToWrite);
  const onRoundTrip = (milliseconds: number): void => metrics.redisRoundTrip.observe(milliseconds / 1_000);
  const pulse = new Pulse({ subscriber, reader, pubSub, clock, onRoundTrip });
  const readiness = new Readiness({
    ...{ isAdmitting: () => admitting, isFull, redisTrouble: () => pulse.trouble, metrics, logger, redisAddress },
  });
  const http = createHttpServer(readiness);
  const io = createSocketServer(http, { config, hasCompression: writeModes.hasCompression, isFull, metrics });
  const trace = tracer && new DeliveryTrace({ tracer, redisNow: () => clock.now });
  const delivery = { pubSub, clock, metrics, publishToWrite, onError, trace };
  const streams = startStreams(dependencies, delivery);
  const namespace = serveConnections(io, dependencies, { ...delivery, ...streams });
  pulse.start(() => readiness.report());
  const state = () => (admitting ? (readiness.reason === undefined ? "ready" : "not ready") : "draining");
  const control =
    dependencies.control &&
    serveControl({ ...dependencies.control, ...{ redis: reader, namespace, metrics, state, onError } });
  return {
    ...{ http, namespace, metrics, publishToWrite },
    broadcastToChannel: createBroadcast(publisher, metrics),
    stopAdmitting: () => {
      admitting = false;
      metrics.draining.set(1);
    },
    admit: () => {
      admitting = true;
      metrics.draining.set(0);
    },
    async close() {
      await control?.stop();
      streams.stop();
      pulse.stop();
      // An unfinished request, or a connection that keeps sending requests, would keep the server open.
      const cutting = setInterval(() => http.closeAllConnections(), CLOSE_GRACE_MS);
      await io.close();
      clearInterval(cutting);
    },
  };
}
