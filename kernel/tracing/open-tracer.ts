import * as z from "zod";
import type { Tracer } from "./tracer.ts";

/** Settings of tracing, under OpenTelemetry's own names. */
export const tracingEnvironment = z.object({
  /** The collector, such as `http://localhost:4318`; spans go to `/v1/traces` there. Without it nothing is traced. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/, error: "must be the http URL of a collector" }).optional(),
  /** The share of events that are traced, from 0 to 1. Messages that come with a sampled context are traced in any case. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(0.001),
});

/**
 * Opens the tracer of a process. Resolves with undefined where there is no collector: OpenTelemetry is not even loaded then.
 *
 * @param serviceName what the process is called in traces.
 */
export async function openTracer(
  { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share }: z.infer<typeof tracingEnvironment>,
  serviceName: string,
): Promise<Tracer | undefined> {
  if (endpoint === undefined) return undefined;
  const { createOtlpTracer } = await import("./otlp-tracer.ts");
  return createOtlpTracer({ url: `${endpoint.replace(/\/$/, "")}/v1/traces`, share, serviceName });
}
