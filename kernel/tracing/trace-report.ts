import * as z from "zod";

const attributesSchema = z
  .array(z.object({ key: z.string(), value: z.looseObject({ stringValue: z.string().optional() }) }))
  .default([])
  .transform((list) => new Map(list.map(({ key, value }) => [key, value.stringValue ?? ""])));

const NANOSECONDS_PER_MS = 1_000_000n;

/** Nanoseconds since 1970, as text: too many digits for a number. */
const timeSchema = z
  .union([z.string().regex(/^\d+$/), z.number()])
  .transform((text) => Number(BigInt(text) / 1_000n) / (Number(NANOSECONDS_PER_MS) / 1_000));

/** What an OpenTelemetry SDK posts to `/v1/traces`, and the collector's file exporter writes: OTLP as JSON. */
const exportSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: attributesSchema }).optional(),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              name: z.string(),
              startTimeUnixNano: timeSchema,
              endTimeUnixNano: timeSchema,
              attributes: attributesSchema,
            }),
          ),
        }),
      ),
    }),
  ),
});

/** One part of a message's way, as it was exported. */
export interface ExportedSpan {
  readonly traceId: string;
  readonly service: string;
  readonly name: string;
  /** In ms since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  /** The id of the stream's entry, once there is one. */
  readonly entryId: string | undefined;
}

/** Reads an export of spans. @throws ZodError where it is anything else */
export function parseExport(body: unknown): ExportedSpan[] {
  return exportSchema.parse(body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        service: resource?.attributes.get("service.name") ?? "unknown",
        name: span.name,
        startMs: span.startTimeUnixNano,
        endMs: span.endTimeUnixNano,
        entryId: span.attributes.get("vezta.id"),
      })),
    ),
  );
}

/** Returns the spans of the traces that an entry belongs to, in the order in which they began. */
export function spansOf(spans: readonly ExportedSpan[], entryId: string): ExportedSpan[] {
  const traces = new Set(spans.filter((span) => span.entryId === entryId).map(({ traceId }) => traceId));
  // A batch of events may share a context: what belongs to another entry is not of this one.
  const own = spans.filter((span) => traces.has(span.traceId) && (span.entryId ?? entryId) === entryId);
  return own.toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
}

/** Returns the id of the newest entry that got as far as a client's socket; else of the newest one. */
export function newestEntry(spans: readonly ExportedSpan[]): string | undefined {
  const isWrite = ({ name }: ExportedSpan): boolean => name === "gateway write" || name === "edge post";
  const newest = spans.findLast((span) => span.entryId !== undefined && isWrite(span));
  return (newest ?? spans.findLast(({ entryId }) => entryId !== undefined))?.entryId;
}

const WIDTH = 40;
const MINIMUM_NAME = 18;

/** Draws spans as a waterfall: a line each, with its bar on a common time axis, and its duration. */
export function drawWaterfall(spans: readonly ExportedSpan[]): string {
  const start = Math.min(...spans.map(({ startMs }) => startMs));
  const total = Math.max(...spans.map(({ endMs }) => endMs)) - start || 1;
  const labels = spans.map(({ service, name }) => `${service}: ${name}`);
  const width = Math.max(MINIMUM_NAME, ...labels.map(({ length }) => length));
  const lines = spans.map(({ startMs, endMs }, index) => {
    const from = Math.floor(((startMs - start) / total) * WIDTH);
    const length = Math.max(1, Math.round(((endMs - startMs) / total) * WIDTH));
    const bar = " ".repeat(Math.min(from, WIDTH - 1)) + "█".repeat(Math.min(length, WIDTH - Math.min(from, WIDTH - 1)));
    return `${(labels[index] ?? "").padEnd(width)}  ${bar.padEnd(WIDTH)}  ${(endMs - startMs).toFixed(1).padStart(9)} ms`;
  });
  return [...lines, `${"in all".padEnd(width)}  ${" ".repeat(WIDTH)}  ${total.toFixed(1).padStart(9)} ms`].join("\n");
}
