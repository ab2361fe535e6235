import type { Counter, Gauge, Histogram, MetricValue } from "prom-client";
import type { GatewayMetricName } from "../kernel/operations/gateway-metrics.ts";
import type { Metrics } from "./metrics.ts";

/** What is measured elsewhere than in the Prometheus registry. */
type Elsewhere = "Connections" | "PublishToWriteMs" | "EventLoopDelayMs";

type FromRegistry = Readonly<Record<Exclude<GatewayMetricName, Elsewhere>, number | undefined>>;

interface Readable {
  get(): Promise<{ readonly values: readonly MetricValue<string>[] }>;
}

/** Reasons for which a gateway is not ready although Redis serves it. */
const OTHER_REASONS = new Set<unknown>(["draining", "full"]);

const all = (): boolean => true;

async function sumOf(metric: Readable, isCounted: (labels: Readonly<Record<string, unknown>>) => boolean = all) {
  const { values } = await metric.get();
  return values.filter(({ labels }) => isCounted(labels)).reduce((sum, { value }) => sum + value, 0);
}

const has =
  (label: string, ...values: readonly string[]) =>
  (labels: Readonly<Record<string, unknown>>): boolean =>
    values.some((value) => labels[label] === value);

/** Returns the memory of the fullest primary, in percent of its limit; undefined where none has one, or is known. */
async function memoryPercent(used: Gauge<"primary">, maximum: Gauge<"primary">): Promise<number | undefined> {
  const limits = new Map((await maximum.get()).values.map(({ labels, value }) => [labels.primary, value]));
  const shares = (await used.get()).values.flatMap(({ labels, value }) => {
    const limit = limits.get(labels.primary);
    return limit === undefined ? [] : [(100 * value) / limit];
  });
  return shares.length === 0 ? undefined : Math.max(...shares);
}

/** Returns what a counter has grown by since the last call. */
function createDelta() {
  const last = new Map<string, number>();
  return (name: string, value: number): number => {
    const before = last.get(name) ?? 0;
    last.set(name, value);
    return value - before;
  };
}

/** Returns the mean of what a histogram observed since the last call, in ms; undefined where that was nothing. */
async function meanMs(histogram: Histogram, delta: ReturnType<typeof createDelta>): Promise<number | undefined> {
  const { values } = await histogram.get();
  const part = (ending: string): number =>
    values.find(({ metricName }) => metricName?.endsWith(ending) === true)?.value ?? 0;
  const count = delta("round trips", part("_count"));
  const seconds = delta("round trip seconds", part("_sum"));
  return count === 0 ? undefined : (1_000 * seconds) / count;
}

/** Returns the function that reads the registry: gauges as they are, counters since its last call. */
export function readRegistry(metrics: Metrics): () => Promise<FromRegistry> {
  const delta = createDelta();
  const grown = async (name: string, counter: Counter, isCounted?: ReturnType<typeof has>): Promise<number> =>
    delta(name, await sumOf(counter, isCounted));
  return async () => ({
    RefusedFull: await grown("full", metrics.connectionsRefused, has("code", "full")),
    RefusedUnavailable: await grown("unavailable", metrics.connectionsRefused, has("code", "unavailable")),
    RefusedTokens: await grown("tokens", metrics.connectionsRefused, has("code", "token_invalid", "token_expired")),
    Deliveries: await grown("deliveries", metrics.deliveries),
    SentBytes: await grown("bytes", metrics.sentBytes),
    SlowConsumers: await grown("slow", metrics.slowConsumers),
    EntriesRepaired: await grown("filled", metrics.gaps, has("result", "filled")),
    EntriesLost: await grown("lost", metrics.gaps, has("result", "lost", "reset")),
    RedisUnreachable: await sumOf(metrics.notReadyReason, ({ reason }) => !OTHER_REASONS.has(reason)),
    RedisRoundTripMs: await meanMs(metrics.redisRoundTrip, delta),
    RedisMemoryPercent: await memoryPercent(metrics.redisUsedMemory, metrics.redisMaximumMemory),
    RedisEvictedKeys: await grown("evicted", metrics.redisEvictedKeys),
    Draining: await sumOf(metrics.draining),
  });
}
