import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { createRedisMetrics } from "./redis-metrics.ts";

/** Bounds of the latency histogram's buckets, in seconds. */
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The reasons for which a Pub/Sub message or a stream entry is dropped. */
export type DropReason = "malformed" | "foreign_room" | "not_allowed" | "handler_failed" | "id_ahead";

/** Creates the gateway's metrics, in a registry of their own so that several gateways can run in one process. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    ...createRedisMetrics(registry),
    ready: new Gauge({
      name: "rt_ready",
      help: "1 while the gateway can serve clients, else 0",
      registers,
    }),
    notReadyReason: new Gauge({
      name: "rt_not_ready_reason",
      help: "1 for the reason why the gateway is not ready; absent while it is ready",
      labelNames: ["reason"],
      registers,
    }),
    draining: new Gauge({
      name: "rt_draining",
      help: "1 while the gateway moves its clients to other gateways, else 0",
      registers,
    }),
    connections: new Gauge({ name: "rt_connections", help: "Current number of client connections", registers }),
    connectionsRefused: new Counter({
      name: "rt_connections_refused_total",
      help: "Connections refused or terminated, by error code, or full (connection limit) or origin (not allowed)",
      labelNames: ["code"],
      registers,
    }),
    rooms: new Gauge({
      name: "rt_rooms",
      help: "Current number of rooms that this gateway is subscribed to in Redis",
      registers,
    }),
    requests: new Counter({
      name: "rt_requests_total",
      help: "Client requests, by event and result (ok or error code)",
      labelNames: ["event", "result"],
      registers,
    }),
    subscriptionsEnded: new Counter({
      name: "rt_subscriptions_ended_total",
      help: "Subscriptions ended by the server, by error code",
      labelNames: ["code"],
      registers,
    }),
    messages: new Counter({
      name: "rt_messages_total",
      help: "Stream entries delivered to rooms, by channel and source (live from Pub/Sub, or repair from the stream)",
      labelNames: ["channel", "source"],
      registers,
    }),
    publishToWrite: new Histogram({
      name: "rt_publish_to_write_seconds",
      help: "Time from an entry's id to the write to the sockets, by Redis's clock; one observation per flush: its oldest entry",
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    deliveries: new Counter({ name: "rt_deliveries_total", help: "Messages sent to clients", registers }),
    writes: new Counter({
      name: "rt_writes_total",
      help: "Writes to client connections; rt_deliveries_total / rt_writes_total is the batch size",
      registers,
    }),
    receivedBytes: new Counter({
      name: "rt_received_bytes_total",
      help: "Bytes received, by source: redis (Pub/Sub messages) or clients (packets)",
      labelNames: ["source"],
      registers,
    }),
    sentBytes: new Counter({ name: "rt_sent_bytes_total", help: "Bytes sent to clients in batches", registers }),
    replaced: new Counter({
      name: "rt_replaced_total",
      help: "Values of latest channels conflated: replaced by a newer value before they were sent",
      registers,
    }),
    compressionMemoryLimit: new Gauge({
      name: "rt_compression_memory_limit_bytes",
      help: "Most that rt_compression_memory_bytes can be: RT_COMPRESSION_MEMORY_BYTES, or 0 where nothing is compressed",
      registers,
    }),
    slowConsumers: new Counter({
      name: "rt_slow_consumers_total",
      help: "Slow consumers closed because their send buffer limit was exceeded",
      registers,
    }),
    redisDropped: new Counter({
      name: "rt_redis_dropped_total",
      help: "Pub/Sub messages and stream entries dropped, by reason",
      labelNames: ["reason"],
      registers,
    }),
    gaps: new Counter({
      name: "rt_holes_total",
      help: "Gaps detected in streams, by channel and result (filled, lost or reset)",
      labelNames: ["channel", "result"],
      registers,
    }),
    stateMismatches: new Counter({
      name: "rt_state_mismatches_total",
      help: "Entries of state channels whose sum did not fit the value, by channel; they were read from the stream again",
      labelNames: ["channel"],
      registers,
    }),
    stateReloads: new Counter({
      name: "rt_state_reloads_total",
      help: "Values of state channels read from Redis again because entries did not lead to the newest one, by channel",
      labelNames: ["channel"],
      registers,
    }),
    stateDamaged: new Counter({
      name: "rt_state_damaged_total",
      help: "Reads of values of state channels that were damaged in Redis, by channel; the next whole value replaces them",
      labelNames: ["channel"],
      registers,
    }),
    frozenStreams: new Gauge({
      name: "rt_frozen_streams",
      help: "Markets whose events were all stale for 30 s, by channel",
      labelNames: ["channel"],
      registers,
    }),
    publishStale: new Counter({
      name: "rt_publish_stale_total",
      help: "Messages not published by this gateway because they were stale, by channel",
      labelNames: ["channel"],
      registers,
    }),
    controlMessages: new Counter({
      name: "rt_control_messages_total",
      help: "Operators' control messages, by type (kick, drain), or unknown or malformed for those ignored",
      labelNames: ["type"],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
