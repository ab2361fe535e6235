import { monitorEventLoopDelay } from "node:perf_hooks";
import { type EmbeddedMetric, embeddedMetrics } from "../kernel/aws/embedded-metrics.ts";
import {
  GATEWAY_SERVICE,
  type GatewayMetricName,
  gatewayMetrics,
  METRICS_NAMESPACE,
} from "../kernel/operations/gateway-metrics.ts";
import type { Metrics } from "./metrics.ts";
import { readRegistry } from "./read-registry.ts";

interface ReportOptions {
  readonly metrics: Metrics;
  readonly connections: () => number;
  /** Returns the sample of latencies since the last call, in ms. */
  readonly takeLatencies: () => readonly number[];
  /** A dimension of the metrics, so that environments can share an account. */
  readonly environment: string;
  readonly intervalMs: number;
  readonly write: (line: string) => void;
}

const NANOSECONDS_PER_MS = 1_000_000;

/** Resolution of the event loop's delay, in ms. */
const RESOLUTION_MS = 20;

/** Watches the event loop. `take` returns the 99th percentile of its delay since the last call, in ms. */
function watchEventLoop() {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    take(): number {
      const delay = histogram.percentile(99) / NANOSECONDS_PER_MS - RESOLUTION_MS;
      histogram.reset();
      return Math.max(0, Math.round(delay * 10) / 10);
    },
    stop: () => histogram.disable(),
  };
}

/**
 * Writes the metrics of `gatewayMetrics` to the log at each interval, in CloudWatch's embedded metric format. They are read
 * from the Prometheus metrics, so that both agree; nothing is measured twice on the way of a message.
 */
export function reportMetrics(options: ReportOptions): { stop(): void } {
  const { metrics, connections, takeLatencies, environment, intervalMs, write } = options;
  const eventLoop = watchEventLoop();
  const read = readRegistry(metrics);
  const report = async (): Promise<void> => {
    const values: Readonly<Record<GatewayMetricName, number | readonly number[] | undefined>> = {
      ...(await read()),
      Connections: connections(),
      PublishToWriteMs: takeLatencies(),
      EventLoopDelayMs: eventLoop.take(),
    };
    const names = Object.keys(gatewayMetrics) as GatewayMetricName[];
    const written = names.flatMap((name): EmbeddedMetric[] => {
      const value = values[name];
      // CloudWatch refuses an empty list; what is unknown is missing, not 0.
      if (value === undefined || (typeof value !== "number" && value.length === 0)) return [];
      return [{ name, unit: gatewayMetrics[name].unit, value }];
    });
    const dimensions = { Environment: environment, Service: GATEWAY_SERVICE };
    write(embeddedMetrics({ namespace: METRICS_NAMESPACE, dimensions, metrics: written }));
  };
  const timer = setInterval(() => void report(), intervalMs);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      eventLoop.stop();
    },
  };
}
