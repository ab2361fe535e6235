import { ROOT_CONTEXT, type SpanContext, SpanKind, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Tracer } from "./tracer.ts";

/** Longest wait for the collector, in ms; what it does not take in that time is lost. */
const EXPORT_TIMEOUT_MS = 2_000;

/** Spans that wait for the collector at most; more are dropped. */
const MAXIMUM_QUEUE = 2_048;

interface OtlpTracerOptions {
  /** Where spans are posted to, as OTLP over HTTP with JSON. */
  readonly url: string;
  /** The share of events that are sampled. */
  readonly share: number;
  readonly serviceName: string;
}

const toTraceparent = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;

/** @param traceparent a valid one: see `sampledContext`. */
function fromTraceparent(traceparent: string): SpanContext {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

/** Builds a tracer that sends spans to an OpenTelemetry collector, in batches. */
export function createOtlpTracer({ url, share, serviceName }: OtlpTracerOptions): Tracer {
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: MAXIMUM_QUEUE,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
    scheduledDelayMillis: 1_000,
  });
  const resource = resourceFromAttributes({ "service.name": serviceName });
  // Who starts a trace has sampled it; what is recorded belongs to a sampled one.
  const provider = new TracerProvider({ resource, spanProcessors: [processor] });
  const tracer = provider.getTracer("vezta-realtime");
  return {
    start({ name, startMs, attributes = {} }) {
      if (Math.random() >= share) return undefined;
      const span = tracer.startSpan(name, { startTime: startMs, attributes, kind: SpanKind.CONSUMER }, ROOT_CONTEXT);
      return { traceparent: toTraceparent(span.spanContext()), end: (endMs) => span.end(endMs) };
    },
    record(traceparent, { name, startMs, endMs, attributes = {} }) {
      const context = trace.setSpanContext(ROOT_CONTEXT, fromTraceparent(traceparent));
      tracer.startSpan(name, { startTime: startMs, attributes }, context).end(endMs);
    },
    flush: () => processor.forceFlush().catch(() => undefined),
  };
}
