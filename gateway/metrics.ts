import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** Why something from Redis was not used. */
export type DropReason = "malformed" | "foreign_room" | "not_allowed" | "handler_failed" | "id_ahead";

/** Builds the gateway's metrics, in a registry of their own so that several gateways can live in one process. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    ready: new Gauge({
      name: "rt_ready",
      help: "Whether clients can connect and be served (1), or not (0)",
      registers,
    }),
    notReadyReason: new Gauge({
      name: "rt_not_ready_reason",
      help: "1 for the reason why clients cannot be served; nothing while they can",
      labelNames: ["reason"],
      registers,
    }),
    connections: new Gauge({ name: "rt_connections", help: "Open connections", registers }),
    connectionsRefused: new Counter({
      name: "rt_connections_refused_total",
      help: "Connections refused, by error code, or full (too many) or origin (not allowed)",
      labelNames: ["code"],
      registers,
    }),
    rooms: new Gauge({ name: "rt_rooms", help: "Rooms that this node is subscribed to in Redis", registers }),
    requests: new Counter({
      name: "rt_requests_total",
      help: "Client requests, by event and result (ok or the error code)",
      labelNames: ["event", "result"],
      registers,
    }),
    subscriptionsEnded: new Counter({
      name: "rt_subscriptions_ended_total",
      help: "Subscriptions that ended after they were answered and without a request to end them, by error code",
      labelNames: ["code"],
      registers,
    }),
    messages: new Counter({
      name: "rt_messages_total",
      help: "Stream entries handed to rooms, by channel and by how they came (live or repair)",
      labelNames: ["channel", "source"],
      registers,
    }),
    deliveries: new Counter({ name: "rt_deliveries_total", help: "Messages handed to clients", registers }),
    writes: new Counter({
      name: "rt_writes_total",
      help: "Writes to clients; deliveries by writes is how many messages went together",
      registers,
    }),
    sentBytes: new Counter({ name: "rt_sent_bytes_total", help: "Bytes handed to clients in bundles", registers }),
    replaced: new Counter({
      name: "rt_replaced_total",
      help: "Values of latest channels that a newer one replaced before they were written",
      registers,
    }),
    slowConsumers: new Counter({
      name: "rt_slow_consumers_total",
      help: "Connections closed because too much waited for them",
      registers,
    }),
    redisDropped: new Counter({
      name: "rt_redis_dropped_total",
      help: "Pub/Sub bodies and stream entries that were not used, by reason",
      labelNames: ["reason"],
      registers,
    }),
    holes: new Counter({
      name: "rt_holes_total",
      help: "Holes found in a stream's chain, by channel and whether they could be filled",
      labelNames: ["channel", "result"],
      registers,
    }),
    frozenStreams: new Gauge({
      name: "rt_frozen_streams",
      help: "Markets that got nothing but older values for 30 s while events came, by channel",
      labelNames: ["channel"],
      registers,
    }),
    publishStale: new Counter({
      name: "rt_publish_stale_total",
      help: "Messages that this gateway did not publish because something newer is out, by channel",
      labelNames: ["channel"],
      registers,
    }),
    redisErrors: new Counter({
      name: "rt_redis_errors_total",
      help: "Errors of Redis connections and commands, by stage",
      labelNames: ["stage"],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
