/** The unit of a metric, in CloudWatch's words. */
export type MetricUnit = "Count" | "Milliseconds" | "Percent" | "Bytes";

/** The most values of one metric in one line. */
export const MAXIMUM_VALUES = 100;

/** One metric of a line. An array holds samples, of which CloudWatch computes statistics and percentiles. */
export interface EmbeddedMetric {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly value: number | readonly number[];
}

export interface EmbeddedMetricsOptions {
  readonly namespace: string;
  /** By name. A dimension takes part in what a metric costs: each combination of values is one metric. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly metrics: readonly EmbeddedMetric[];
}

/**
 * Returns a log line in CloudWatch's embedded metric format: CloudWatch Logs turns it into metrics, without an agent and
 * without a call.
 */
export function embeddedMetrics({ namespace, dimensions, metrics }: EmbeddedMetricsOptions): string {
  const Metrics = metrics.map(({ name, unit }) => ({ Name: name, Unit: unit }));
  const CloudWatchMetrics = [{ Namespace: namespace, Dimensions: [Object.keys(dimensions)], Metrics }];
  const values = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  return JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics }, ...dimensions, ...values });
}
