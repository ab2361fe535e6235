import { embeddedMetrics, MAXIMUM_VALUES } from "../../kernel/aws/embedded-metrics.ts";
import { failureQueueEnvironment, parseEnvironment } from "../../kernel/env.ts";
import { EVENT_TO_PUBLISH, PUBLISH_METRICS } from "../../kernel/streams/publish-metrics.ts";

const functionEnvironment = failureQueueEnvironment.pick({ AWS_LAMBDA_FUNCTION_NAME: true });
const { AWS_LAMBDA_FUNCTION_NAME: functionName } = parseEnvironment(functionEnvironment, process.env);

/** The name where the handler runs elsewhere: there is no log that becomes metrics. */
const NOT_IN_LAMBDA = "none";

/**
 * Writes how old events were when they had been published, as a metric in the function's log. The bus tells the time of an
 * event in whole seconds, so that its ages are up to a second too long; a stream tells it in milliseconds.
 *
 * @param times when the events came, in ms since 1970. Of a large batch evenly spread ones are taken.
 */
export function writeEventAges(times: readonly number[]): void {
  if (functionName === NOT_IN_LAMBDA) return;
  const now = Date.now();
  const step = Math.ceil(times.length / MAXIMUM_VALUES);
  const ages = times.filter((time, index) => index % step === 0 && Number.isFinite(time)).map((time) => now - time);
  if (ages.length === 0) return;
  const { namespace, service } = PUBLISH_METRICS;
  const line = embeddedMetrics({
    namespace,
    dimensions: { service, FunctionName: functionName },
    metrics: [{ name: EVENT_TO_PUBLISH, unit: "Milliseconds", value: ages }],
  });
  // Past the console, before whose lines Lambda writes time and request id.
  process.stdout.write(`${line}\n`);
}
