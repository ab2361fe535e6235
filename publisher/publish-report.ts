import type { Metrics } from "@aws-lambda-powertools/metrics";
import type { Channel } from "../contract/channels.ts";
import type { Suspicion } from "../contract/suspicions.ts";
import { FROZEN_STREAMS, PUBLISH_METRICS, SUSPICION_METRICS } from "../kernel/streams/publish-metrics.ts";
import type { PublishListener } from "../kernel/streams/publisher.ts";
import { streamKey } from "../kernel/streams/redis-keys.ts";
import { createStaleLog } from "../kernel/streams/stale-log.ts";
import { FROZEN_AFTER_MS } from "../kernel/streams/stale-run.ts";
import type { PublisherLogger } from "./logger.ts";

interface Counts {
  stale: number;
  reset: number;
  readonly frozen: Set<string>;
  readonly suspicions: Map<Suspicion, number>;
}

export interface PublishReport {
  /** For the publisher. */
  readonly listener: PublishListener;
  /** Writes the metrics of what the listener got since the last call. Returns undefined where there was nothing. */
  readonly flush: () => Promise<void> | undefined;
}

export interface ReportOptions {
  readonly logger: PublisherLogger;
  /** The metrics' dimension `FunctionName`; undefined for no metrics. */
  readonly functionName: string | undefined;
}

/** Loaded with the first metric, which most functions never write: it takes some 10 ms of a cold start. */
async function loadMetrics(): Promise<Metrics> {
  const { Metrics } = await import("@aws-lambda-powertools/metrics");
  return new Metrics({ namespace: PUBLISH_METRICS.namespace, serviceName: PUBLISH_METRICS.service });
}

async function writeMetrics(functionName: string, channels: ReadonlyMap<Channel, Counts>): Promise<void> {
  const metrics = await loadMetrics();
  const write = (name: string, value: number, channel?: Channel): void => {
    const metric = metrics.singleMetric().addDimension("FunctionName", functionName);
    if (channel !== undefined) metric.addDimension("Channel", channel);
    metric.addMetric(name, "Count", value);
  };
  const frozen = [...channels.values()].reduce((sum, counts) => sum + counts.frozen.size, 0);
  if (frozen > 0) write(FROZEN_STREAMS, frozen);
  for (const [channel, { stale, reset, suspicions }] of channels) {
    if (stale > 0) write("StaleMessages", stale, channel);
    if (reset > 0) write("StreamResets", reset, channel);
    for (const [suspicion, count] of suspicions) write(SUSPICION_METRICS[suspicion], count, channel);
  }
}

/** Logs stale messages and resets, and counts them and suspicious data by channel as CloudWatch metrics in the process's output. */
export function createPublishReport({ logger, functionName }: ReportOptions): PublishReport {
  const log = createStaleLog((message, details) => logger.warn(message, details));
  if (functionName === undefined) return { listener: log, flush: () => undefined };
  let channels = new Map<Channel, Counts>();
  const countsOf = (channel: Channel): Counts => {
    const counts = channels.get(channel) ?? { stale: 0, reset: 0, frozen: new Set<string>(), suspicions: new Map() };
    channels.set(channel, counts);
    return counts;
  };
  return {
    listener: {
      stale(message) {
        log.stale(message);
        const { stream, entity = "", staleForMs } = message;
        const counts = countsOf(stream.channel);
        counts.stale += 1;
        if (staleForMs >= FROZEN_AFTER_MS) counts.frozen.add(`${streamKey(stream)} ${entity}`);
      },
      suspicious({ channel }, suspicions) {
        const { suspicions: counts } = countsOf(channel);
        for (const suspicion of suspicions) counts.set(suspicion, (counts.get(suspicion) ?? 0) + 1);
      },
      reset(stream, reason) {
        log.reset(stream, reason);
        countsOf(stream.channel).reset += 1;
      },
    },
    flush() {
      if (channels.size === 0) return undefined;
      const counted = channels;
      channels = new Map();
      return writeMetrics(functionName, counted).catch((error: unknown) =>
        // What became of the messages does not depend on it.
        logger.warn("metrics not written", { reason: String(error) }),
      );
    },
  };
}
