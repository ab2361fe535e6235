import { PUBLISH_METRICS } from "../streams/publish-metrics.ts";

/** Namespace of all CloudWatch metrics that our own code writes. */
export const METRICS_NAMESPACE = PUBLISH_METRICS.namespace;

/** The dimension `Service` of a gateway's metrics; the other one is `Environment`. */
export const GATEWAY_SERVICE = "gateway";

interface GatewayMetric {
  readonly unit: "Count" | "Milliseconds" | "Percent" | "Bytes";
  readonly meaning: string;
}

/**
 * The metrics that a gateway writes to its log for CloudWatch: those that alarms, autoscaling and the dashboard use. All
 * tasks of an environment write to the same metrics, so that their number, and what they cost, does not grow with the
 * tasks: sums are of the service, a maximum is of the worst task.
 */
export const gatewayMetrics = {
  Connections: { unit: "Count", meaning: "open client connections of one task; autoscaling follows the average" },
  RefusedFull: { unit: "Count", meaning: "connections refused because the task has its maximum number" },
  RefusedUnavailable: {
    unit: "Count",
    meaning: "handshakes refused because the token could not be verified: the issuer's keys cannot be fetched",
  },
  RefusedTokens: { unit: "Count", meaning: "handshakes refused for an invalid or expired token" },
  Deliveries: { unit: "Count", meaning: "messages sent to clients" },
  SentBytes: { unit: "Bytes", meaning: "bytes sent to clients" },
  PublishToWriteMs: {
    unit: "Milliseconds",
    meaning:
      "time from an entry's id to the write to the sockets, by the clock of Redis: a sample of at most 100 flushes",
  },
  SlowConsumers: { unit: "Count", meaning: "clients disconnected because their send buffer limit was exceeded" },
  EntriesRepaired: { unit: "Count", meaning: "gaps in streams that were filled from Redis" },
  EntriesLost: { unit: "Count", meaning: "gaps in streams that could not be filled; clients got a reset" },
  EventLoopDelayMs: { unit: "Milliseconds", meaning: "99th percentile of the event loop's delay since the last line" },
  RedisUnreachable: { unit: "Count", meaning: "1 while Redis does not serve this task, whatever the reason; else 0" },
  RedisRoundTripMs: { unit: "Milliseconds", meaning: "mean round trip to Redis since the last line" },
  RedisMemoryPercent: { unit: "Percent", meaning: "memory in use of the fullest primary, of its maxmemory" },
  RedisEvictedKeys: { unit: "Count", meaning: "keys that Redis evicted for lack of memory" },
  Draining: { unit: "Count", meaning: "1 while the task moves its clients to other tasks; else 0" },
} as const satisfies Readonly<Record<string, GatewayMetric>>;

export type GatewayMetricName = keyof typeof gatewayMetrics;
