import type { Logger } from "@aws-lambda-powertools/logger";
import type { Metrics } from "@aws-lambda-powertools/metrics";
import { asError } from "../../kernel/as-error.ts";
import { DAMAGED_STATES, EDGE_METRICS } from "../../kernel/managed-edge/edge-metrics.ts";
import { DamagedStateError } from "../../kernel/streams/stored-state.ts";

/** Loaded with the first metric, which most functions never write. The bundle has it, so that this takes no input or output. */
async function loadMetrics(): Promise<Metrics> {
  const { Metrics } = await import("@aws-lambda-powertools/metrics");
  return new Metrics({ namespace: EDGE_METRICS.namespace, serviceName: EDGE_METRICS.service });
}

async function countDamagedState(functionName: string): Promise<void> {
  const metrics = await loadMetrics();
  metrics.singleMetric().addDimension("FunctionName", functionName).addMetric(DAMAGED_STATES, "Count", 1);
}

/**
 * Returns the listener that logs a function's errors, never the event, which may carry tokens, and counts damaged values as
 * a CloudWatch metric in the function's output.
 */
export const reportErrors =
  (logger: Logger, functionName: string) =>
  (error: unknown, stage: string): void => {
    logger.error("failed", { stage, error: asError(error) });
    if (!(error instanceof DamagedStateError)) return;
    countDamagedState(functionName).catch((reason: unknown) =>
      logger.warn("metric not written", { reason: String(reason) }),
    );
  };
