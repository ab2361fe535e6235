import type { Metrics } from "@aws-lambda-powertools/metrics";
import type { Channel } from "../contract/channels.ts";
import { FROZEN_STREAMS } from "../kernel/streams/publish-metrics.ts";
import type { PublishListener } from "../kernel/streams/publisher.ts";
import { streamKey } from "../kernel/streams/redis-keys.ts";
import { createStaleLog, type Warn } from "../kernel/streams/stale-log.ts";
import { FROZEN_AFTER_MS } from "../kernel/streams/stale-run.ts";

interface Counts {
  stale: number;
  reset: number;
  readonly frozen: Set<string>;
}

export interface PublishReport {
  /** For the publisher. */
  readonly listener: PublishListener;
  /** Writes the metrics of what the listener got since the last call; nothing where there was nothing. */
  flush(): void;
}

interface ReportOptions {
  readonly metrics: Metrics;
  readonly functionName: string;
  readonly warn: Warn;
}

/** Logs stale messages and counts them by channel, as CloudWatch metrics in the function's log. */
export function createPublishReport({ metrics, functionName, warn }: ReportOptions): PublishReport {
  const log = createStaleLog(warn);
  const channels = new Map<Channel, Counts>();
  const countsOf = (channel: Channel): Counts => {
    const counts = channels.get(channel) ?? { stale: 0, reset: 0, frozen: new Set<string>() };
    channels.set(channel, counts);
    return counts;
  };
  const write = (name: string, value: number, channel?: Channel): void => {
    const metric = metrics.singleMetric().addDimension("FunctionName", functionName);
    if (channel !== undefined) metric.addDimension("Channel", channel);
    metric.addMetric(name, "Count", value);
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
      reset(stream, reason) {
        log.reset(stream, reason);
        countsOf(stream.channel).reset += 1;
      },
    },
    flush() {
      const frozen = [...channels.values()].reduce((sum, counts) => sum + counts.frozen.size, 0);
      if (frozen > 0) write(FROZEN_STREAMS, frozen);
      for (const [channel, { stale, reset }] of channels) {
        if (stale > 0) write("StaleMessages", stale, channel);
        if (reset > 0) write("StreamResets", reset, channel);
      }
      channels.clear();
    },
  };
}
