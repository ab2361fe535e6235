import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { sampledContext } from "../../../contract/trace-context.ts";
import { DeliveryTrace } from "../../../gateway/streams/delivery-trace.ts";
import { parseItem, traceparentOf } from "../../../kernel/streams/entry.ts";
import { openTracer } from "../../../kernel/tracing/open-tracer.ts";
import { drawWaterfall, type ExportedSpan, parseExport, spansOf } from "../../../kernel/tracing/trace-report.ts";
import { preciseNow, type TracedSpan, type Tracer } from "../../../kernel/tracing/tracer.ts";
import { createDomainEventHandler } from "../../../lambdas/publishers/domain-handler.ts";
import { openTraceCollector } from "../../../local/trace-collector.ts";
import { examples } from "../../support/messages.ts";

const CONTEXT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const DELAY_MS = 50;

const span = (more: Partial<ExportedSpan>): ExportedSpan => ({
  ...{ traceId: "one", service: "gateway", name: "gateway write", startMs: 1_000, endMs: 1_010, entryId: "1-0" },
  ...more,
});

/** Keeps what is recorded. */
function keepingTracer(): Tracer & { readonly spans: TracedSpan[] } {
  const spans: TracedSpan[] = [];
  return {
    spans,
    start: () => ({ traceparent: CONTEXT, end: () => undefined }),
    record: (_context, recorded) => void spans.push(recorded),
    flush: () => Promise.resolve(),
  };
}

const longest = (spans: readonly TracedSpan[]): string | undefined =>
  spans.toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs))[0]?.name;

const tracedEntry = (traceparent: unknown) => {
  const body = JSON.stringify({ channel: "market:trades", marketId: "m", traceparent, data: {} }).slice(0, -1);
  return parseItem([`${Date.now()}-0`, ["m", body, "p", "0-0"]]);
};

describe("a trace context", () => {
  it("is taken where it is valid and sampled", () => {
    expect(sampledContext(CONTEXT)).toBe(CONTEXT);
    for (const other of [undefined, 1, "", CONTEXT.replace(/01$/, "00"), `01${CONTEXT.slice(2)}`, `${CONTEXT}-more`]) {
      expect(sampledContext(other)).toBeUndefined();
    }
  });

  it("is beside an entry, not in what clients get", () => {
    const entry = tracedEntry(CONTEXT);
    expect(entry && traceparentOf(entry)).toBe(CONTEXT);
    expect(entry).not.toHaveProperty("traceparent");
    const other = tracedEntry("something else");
    expect(other && traceparentOf(other)).toBeUndefined();
  });
});

describe("what is recorded", () => {
  it("is nothing, and OpenTelemetry not loaded, without a collector", async () => {
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: undefined, OTEL_TRACES_SAMPLER_ARG: 1 };
    expect(await openTracer(settings, "test")).toBeUndefined();
  });

  it("is lost without an error where the collector cannot be reached", async () => {
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_SAMPLER_ARG: 1 };
    const tracer = await openTracer(settings, "test");
    tracer?.record(CONTEXT, { name: "gateway write", startMs: 1, endMs: 2 });
    await expect(tracer?.flush()).resolves.toBeUndefined();
  });

  it("is of the share of events that is asked for", async () => {
    const never = await openTracer(
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_SAMPLER_ARG: 0 },
      "test",
    );
    expect(never?.start({ name: "event", startMs: 1 })).toBeUndefined();
    const always = await openTracer(
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_SAMPLER_ARG: 1 },
      "test",
    );
    expect(sampledContext(always?.start({ name: "event", startMs: 1 })?.traceparent)).toBeDefined();
  });

  it("is the function's own time where the function was slow", async () => {
    const tracer = keepingTracer();
    const [example] = examples.filter(({ DetailType }) => DetailType === "TradeExecuted");
    const handle = createDomainEventHandler("market-data", async () => [], tracer);
    const detail = { ...example?.Detail };
    Object.defineProperty(detail, "event", {
      enumerable: true,
      get() {
        const until = performance.now() + DELAY_MS;
        while (performance.now() < until);
        return "slow";
      },
    });
    await handle({
      ...{ id: "one", version: "0", account: "1", region: "eu-west-1", resources: [], time: new Date().toISOString() },
      ...{ source: example?.Source ?? "", "detail-type": example?.DetailType ?? "", detail },
    });
    expect(longest(tracer.spans)).toBe("publisher function");
  });

  it.each([
    ["gateway queue", DELAY_MS, 0],
    ["gateway write", 0, DELAY_MS],
  ])("is the part of the gateway that was slow: %s", async (part, beforeFlush, inFlush) => {
    const tracer = keepingTracer();
    const trace = new DeliveryTrace({ tracer, redisNow: preciseNow });
    const entry = tracedEntry(CONTEXT);
    if (!entry) throw new Error("not an entry");
    trace.received(entry);
    trace.received(entry);
    await delay(beforeFlush);
    trace.flushing();
    await delay(inFlush);
    trace.flushed();
    trace.flushed();
    expect(tracer.spans.map(({ name }) => name)).toEqual(["redis pub/sub", "gateway queue", "gateway write"]);
    expect(longest(tracer.spans)).toBe(part);
  });
});

describe("a collector of this machine", () => {
  it("gives the spans of an entry, and refuses what is no export", async () => {
    const startMs = Date.UTC(2026, 10, 27) + 0.25;
    const collector = await openTraceCollector();
    const tracer = await openTracer({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: 1 }, "test");
    tracer?.record(CONTEXT, {
      name: "gateway write",
      startMs,
      endMs: startMs + 2.5,
      attributes: { "vezta.id": "7-1" },
    });
    await tracer?.flush();
    const answer = await fetch(`${collector.url}/traces/7-1`);
    expect(await answer.json()).toMatchObject([
      { service: "test", name: "gateway write", startMs, endMs: startMs + 2.5 },
    ]);
    expect((await fetch(`${collector.url}/v1/traces`, { method: "POST", body: '{"resourceSpans":1}' })).status).toBe(
      400,
    );
    expect((await fetch(`${collector.url}/traces/../x`)).status).toBe(404);
    await collector.close();
  });
});

describe("a waterfall", () => {
  it("has a bar for each part on one time axis, and the time in all", () => {
    const text = drawWaterfall([span({ name: "redis pub/sub", endMs: 1_020 }), span({ startMs: 1_020, endMs: 1_040 })]);
    const [first = "", second = "", all] = text.split("\n");
    expect(first).toMatch(/^gateway: redis pub\/sub +█{20} +20\.0 ms$/);
    expect(second).toMatch(/^gateway: gateway write +█{20} +20\.0 ms$/);
    expect(second.indexOf("█")).toBe(first.lastIndexOf("█") + 1);
    expect(all).toMatch(/^in all +40\.0 ms$/);
  });

  it("leaves out what belongs to another entry of the same trace", () => {
    const spans = [
      span({}),
      span({ entryId: "2-0" }),
      span({ entryId: undefined, name: "event" }),
      span({ traceId: "two" }),
    ];
    expect(spansOf(spans, "2-0").map(({ name }) => name)).toEqual(["gateway write", "event"]);
    expect(spansOf(spans, "9-9")).toEqual([]);
  });

  it("is read from OTLP as JSON", () => {
    expect(() => parseExport({ resourceSpans: [{ scopeSpans: [{ spans: [{}] }] }] })).toThrow(/traceId/);
  });
});
