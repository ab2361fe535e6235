import { median, type Spread, spread } from "../fan-out/statistics.ts";
import { ONE_TRADE, PLAIN } from "./methods.ts";

const MICROS = 1e6;

/** One method on one Redis, once. */
export interface Sample {
  readonly messages: number;
  readonly seconds: number;
  /** CPU time that the publisher's process used, in µs. */
  readonly publisherCpuMicros: number;
  /** CPU time that each node's process used meanwhile, in µs. */
  readonly nodeCpuMicros: readonly number[];
}

/** A method with its samples, in the order of the runs. */
export interface SampledMethod {
  readonly redis: string;
  readonly method: string;
  readonly samples: readonly Sample[];
}

/** One line of the result: a method on one Redis, or on a cluster. */
export interface Row {
  readonly redis: string;
  readonly method: string;
  readonly runs: number;
  /** As one publisher process published them. */
  readonly messagesPerSecond: Spread;
  /** Of all nodes together, a message. */
  readonly redisCpuMicros: Spread;
  /** Of the publisher's process, a message; the messages themselves included, which are made on the way. */
  readonly publisherCpuMicros: Spread;
  /** Share of Redis's CPU time that the busiest node had, from 1 / nodes to 1. */
  readonly busiestShare: number;
  /** Messages a second that the busiest node could take at that CPU time each, with its own core: the whole's limit. */
  readonly limitPerSecond: Spread;
  /** CPU time a message over that of plain PUBLISH on one Redis in the same run; the median of the runs. */
  readonly timesPublish: number;
  /** CPU time a message over that of one trade by publish() on the same Redis in the same run; the median of the runs. */
  readonly timesTrade: number;
  /** The limit over that of the same method on a cluster of one shard in the same run; null off a cluster. */
  readonly timesOneShard: number | null;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const cpuOf = ({ nodeCpuMicros, messages }: Sample): number => sum(nodeCpuMicros) / messages;

const limitOf = ({ nodeCpuMicros, messages }: Sample): number => (MICROS * messages) / Math.max(...nodeCpuMicros);

/** The median of the ratios of samples of the same run. */
function ratio(own: readonly Sample[], base: readonly Sample[] | undefined, of: (sample: Sample) => number): number {
  return median(
    own.flatMap((sample, run) => {
      const other = base?.[run];
      return other ? [of(sample) / of(other)] : [];
    }),
  );
}

/** Sums up all methods; `oneShard` is the name of the cluster that the larger ones are compared with. */
export function toRows(measured: readonly SampledMethod[], oneShard: string): readonly Row[] {
  const plain = measured.find(({ method }) => method === PLAIN)?.samples;
  return measured.map(({ redis, method, samples }) => {
    const trade = measured.find((other) => other.redis === redis && other.method === ONE_TRADE)?.samples;
    const base = measured.find((other) => other.redis === oneShard && other.method === method)?.samples;
    return {
      ...{ redis, method, runs: samples.length },
      messagesPerSecond: spread(samples.map(({ messages, seconds }) => messages / seconds)),
      redisCpuMicros: spread(samples.map(cpuOf)),
      publisherCpuMicros: spread(samples.map((sample) => sample.publisherCpuMicros / sample.messages)),
      busiestShare: median(samples.map(({ nodeCpuMicros }) => Math.max(...nodeCpuMicros) / sum(nodeCpuMicros))),
      limitPerSecond: spread(samples.map(limitOf)),
      timesPublish: ratio(samples, plain, cpuOf),
      timesTrade: ratio(samples, trade, cpuOf),
      timesOneShard: redis.startsWith("cluster") ? ratio(samples, base, limitOf) : null,
    };
  });
}
