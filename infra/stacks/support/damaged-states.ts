import { type IMetric, MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { DAMAGED_STATES, EDGE_METRICS } from "../../../kernel/managed-edge/edge-metrics.ts";

/** Returns the damaged values that functions of the managed edge have found: they write the metric to their logs. */
export function damagedStatesOf(functions: Readonly<Record<string, IFunction>>): IMetric {
  const { namespace, service } = EDGE_METRICS;
  const usingMetrics = Object.fromEntries(
    Object.entries(functions).map(([name, { functionName: FunctionName }]) => [
      name,
      new Metric({ namespace, metricName: DAMAGED_STATES, dimensionsMap: { service, FunctionName }, statistic: "Sum" }),
    ]),
  );
  const terms = Object.keys(usingMetrics).map((name) => `FILL(${name}, 0)`);
  return new MathExpression({ expression: terms.join(" + "), usingMetrics });
}
