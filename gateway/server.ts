import { randomUUID } from "node:crypto";
import { createServer, type Server as HttpServer } from "node:http";
import { createShardedAdapter } from "@socket.io/redis-adapter";
import type { Cluster, Redis } from "ioredis";
import type { Logger } from "pino";
import { type Channel, channelDefinition, type Payload } from "../contract/channels.ts";
import type { ChannelMessage } from "../contract/domain-events.ts";
import { NAMESPACE } from "../contract/endpoints.ts";
import type { VerifyToken } from "../kernel/auth/token-verifier.ts";
import type { Publisher, PublishOutcome } from "../kernel/streams/publisher.ts";
import { createStreamReader, type LeftOut } from "../kernel/streams/stream-reader.ts";
import type { GatewayConfig } from "./config.ts";
import { authenticateHandshake } from "./connection/authenticate-handshake.ts";
import { Connection } from "./connection/connection.ts";
import { limitTraffic } from "./connection/traffic-limit.ts";
import { FanOut } from "./fan-out/fan-out.ts";
import { dataOf, targetOf } from "./fan-out/stream-target.ts";
import { createHealth } from "./health.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { Readiness } from "./readiness.ts";
import { Pulse } from "./redis/pulse.ts";
import { RedisClock } from "./redis/redis-clock.ts";
import { ShardedPubSub } from "./redis/sharded-pub-sub.ts";
import { createAdapterClient } from "./socket-io/adapter-client.ts";
import { Handshakes } from "./socket-io/release-handshake.ts";
import type { GatewayNamespace } from "./socket-io/socket.ts";
import { createSocketServer } from "./socket-io/socket-server.ts";
import { watchFrozenStreams } from "./streams/frozen-streams.ts";
import { startChecks } from "./streams/heartbeats.ts";
import { isStreamChannel } from "./streams/stream-channels.ts";
import { StreamHub } from "./streams/stream-hub.ts";

/** What a gateway needs; the caller owns the connections and closes them after the gateway. */
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
    | "RT_COMPRESSION"
    | "RT_MAX_WAITING_BYTES"
  >;
  /** What `tryDirectWrites` found; see `fan-out/self-test.ts`. */
  readonly hasDirectWrites: boolean;
  /** Used for subscriptions alone. */
  readonly subscriber: Redis | Cluster;
  /** Used for reads and for the adapter's own messages. */
  readonly reader: Redis | Cluster;
  readonly publisher: Publisher;
  readonly verifyToken: VerifyToken;
  readonly logger: Logger;
  /** Where Redis is, as the log may show it. */
  readonly redisAddress?: string;
}

/** Whose message it is: a market on a channel split by market, a user on a private one. */
export interface BroadcastTarget {
  /** Default: `data.marketId`. */
  readonly marketId?: string;
  /** Required on private channels. */
  readonly userId?: string;
}

export interface Gateway {
  /** Serves Socket.IO, `/healthz`, `/readyz` and `/metrics`. Not listening yet. */
  readonly http: HttpServer;
  readonly namespace: GatewayNamespace;
  readonly metrics: Metrics;
  /**
   * Publishes to a channel as the Lambdas do: through Redis, to the clients of every gateway. `event` is a name for
   * the change, which clients get beside the data.
   *
   * @throws PublishError where the data does not fit the channel, or Redis cannot be reached.
   */
  broadcastToChannel<C extends Channel>(
    channel: C,
    event: string,
    data: Payload<C>,
    target?: BroadcastTarget,
  ): Promise<PublishOutcome>;
  /** Makes `/readyz` fail, so that the balancer sends nobody any more. */
  stopAdmitting(): void;
  /** Ends timers and connections. */
  close(): Promise<void>;
}

/** How long a heartbeat may wait for a message to go with, as a share of the time between two heartbeats. */
const HEARTBEAT_PATIENCE = 0.1;

/** How long HTTP requests that are under way when the gateway closes may take to end, in ms. */
const CLOSE_PATIENCE_MS = 500;

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

function toMessage<C extends Channel>(
  channel: C,
  event: string,
  data: Payload<C>,
  { marketId, userId }: BroadcastTarget,
): ChannelMessage {
  const { key } = channelDefinition(channel);
  const ownMarket = "marketId" in data ? data.marketId : undefined;
  const message = {
    channel,
    key: key === "user" ? userId : key === "marketId" ? (marketId ?? ownMarket) : undefined,
    data,
    event,
    eventId: randomUUID(),
  };
  // Checked against the channel's schema by the publisher, whatever the caller's types said.
  return message as ChannelMessage;
}

/** Builds a gateway on open connections. Nothing happens until its `http` listens. */
export function createGateway(dependencies: GatewayDependencies): Gateway {
  const { config, hasDirectWrites, subscriber, reader, publisher, verifyToken, logger, redisAddress } = dependencies;
  const metrics = createMetrics();
  const onError = (error: unknown, stage: string): void => {
    metrics.redisErrors.inc({ stage });
    logger.warn({ stage, reason: asError(error).message }, "background failure");
  };
  let admitting = true;
  const isFull = (): boolean => io.engine.clientsCount >= config.RT_MAX_CONNECTIONS;
  const pubSub = new ShardedPubSub({ subscriber, onError: (error) => onError(error, "subscribe") });
  const clock = new RedisClock();
  const pulse = new Pulse({ subscriber, reader, pubSub, clock });
  const readiness = new Readiness({
    ...{ isAdmitting: () => admitting, isFull, redisTrouble: () => pulse.trouble, metrics, logger, redisAddress },
  });
  const http = createServer(createHealth({ readiness, registry: metrics.registry }));
  http.headersTimeout = 10_000;
  http.requestTimeout = 15_000;
  // Longer than the balancer's idle timeout, or it would reuse a connection that is being closed here.
  http.keepAliveTimeout = 125_000;
  const io = createSocketServer(http, { config, isFull, metrics });
  limitTraffic(io.engine, metrics);
  const handshakes = new Handshakes(io.engine);

  io.adapter(
    createShardedAdapter(
      undefined,
      createAdapterClient({
        pubSub,
        commands: reader,
        isStreamChannel,
        onDrop: (reason) => metrics.redisDropped.inc({ reason }),
        onError: (error) => onError(error, "adapter"),
      }),
    ),
  );
  const namespace: GatewayNamespace = io.of(NAMESPACE);
  const fanOut = new FanOut({
    isDirect: hasDirectWrites,
    isCompressed: config.RT_COMPRESSION && hasDirectWrites,
    windowMs: config.RT_FAN_OUT_WINDOW_MS,
    heartbeatPatienceMs: config.RT_HEARTBEAT_MS * HEARTBEAT_PATIENCE,
    maximumWaitingBytes: config.RT_MAX_WAITING_BYTES,
    onFlush({ messages, writes, bytes }) {
      metrics.deliveries.inc(messages);
      metrics.writes.inc(writes);
      metrics.sentBytes.inc(bytes);
    },
    onReplaced: () => metrics.replaced.inc(),
  });
  const onLeftOut = (reason: LeftOut): void => metrics.redisDropped.inc({ reason });
  const hub = new StreamHub({
    pubSub,
    clock,
    reader: createStreamReader(reader, { guard: clock, onLeftOut }),
    metrics,
    deliver: (stream, entry) => fanOut.send(targetOf(stream), dataOf(stream, entry)),
    onError,
  });
  const checks = startChecks({ hub, fanOut, pubSub, intervalMs: config.RT_HEARTBEAT_MS, onError });
  const intervalMs = config.RT_HEARTBEAT_MS;
  const frozen = watchFrozenStreams({ redis: reader, gauge: metrics.frozenStreams, intervalMs, onError });
  const maximumSubscriptions = config.RT_MAX_SUBSCRIPTIONS;
  const shared = { hub, fanOut, verifyToken, metrics, maximumSubscriptions, onError };
  namespace.use(authenticateHandshake(verifyToken, metrics));
  namespace.on("connection", (socket) => {
    new Connection(socket, shared);
    handshakes.forget(socket);
  });

  pulse.start(() => readiness.report());
  return {
    http,
    namespace,
    metrics,
    async broadcastToChannel(channel, event, data, target = {}) {
      const [outcome] = await publisher.publish([toMessage(channel, event, data, target)]);
      if (!outcome) throw new Error("publisher returned no outcome");
      if (outcome.status === "stale") metrics.publishStale.inc({ channel });
      return outcome;
    },
    stopAdmitting: () => {
      admitting = false;
    },
    async close() {
      checks.stop();
      frozen.stop();
      pulse.stop();
      fanOut.close();
      // An unfinished request, or a connection that goes on asking, would keep the server open for ever.
      const cutting = setInterval(() => http.closeAllConnections(), CLOSE_PATIENCE_MS);
      await io.close();
      clearInterval(cutting);
    },
  };
}
