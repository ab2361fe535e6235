import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type LinkProxy, openLinkProxy } from "../../../drill/link-proxy.ts";
import type { ExportedSpan } from "../../../kernel/tracing/trace-report.ts";
import { type GatewayProcess, startGateway } from "../../../local/gateway.ts";
import { createIssuer } from "../../../local/issuer.ts";
import { Lambdas } from "../../../local/lambdas.ts";
import { type RunningRedis, startRedis } from "../../../local/redis.ts";
import { openTraceCollector, type TraceCollector } from "../../../local/trace-collector.ts";
import { connectClient, type TestClient } from "../../support/client.ts";
import { type Example, examples } from "../../support/messages.ts";

/** The delay that is injected at one hop at a time. */
const DELAY_MS = 300;

const isTrade = ({ DetailType }: Example): boolean => DetailType === "TradeExecuted";

let redis: RunningRedis;
let collector: TraceCollector;
let gateway: GatewayProcess;
let lambdas: Lambdas;
let client: TestClient;
/** Between the publisher's function and Redis, and between Redis and the gateway. */
let links: { readonly publisher: LinkProxy; readonly gateway: LinkProxy };
let events = 0;

const through = ({ port }: LinkProxy): string => `redis://127.0.0.1:${port}`;

beforeAll(async () => {
  [redis, collector] = await Promise.all([startRedis(), openTraceCollector()]);
  links = { publisher: await openLinkProxy(redis.port), gateway: await openLinkProxy(redis.port) };
  const { env } = await createIssuer();
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: "1" };
  gateway = await startGateway({ ...env, ...tracing, RT_REDIS_URL: through(links.gateway) });
  lambdas = new Lambdas({
    environment: { ...tracing, RT_REDIS_URL: through(links.publisher) },
    onFailure: ({ error }) => {
      throw new Error(error);
    },
    onLog: () => undefined,
  });
  client = await connectClient(gateway.url);
  await client.ask("subscribe", { channel: "market:trades" });
});

afterEach(() => {
  for (const link of Object.values(links)) link.slow(0);
});

afterAll(async () => {
  client.close();
  await Promise.all([lambdas.stop(), gateway.stop("SIGKILL"), collector.close()]);
  await Promise.all(Object.values(links).map((link) => link.close()));
  await redis.stop();
});

/** Sends one event through everything, and resolves with the id that the client got it under. */
async function send({ ageMs = 0, traceparent }: { ageMs?: number; traceparent?: string } = {}): Promise<string> {
  const example = examples.find(isTrade);
  if (!example) throw new Error("contract/examples has no trade");
  events += 1;
  const before = client.messages.length;
  await lambdas.invoke("market-data", {
    id: `event-${events}`,
    time: new Date(Date.now() - ageMs).toISOString(),
    source: example.Source,
    "detail-type": example.DetailType,
    detail: { ...example.Detail, id: `trade-${events}`, traceparent },
  });
  await expect.poll(() => client.messages.length).toBe(before + 1);
  return client.messages.at(-1)?.id ?? "";
}

const parts = [
  "event delivery",
  "publisher function",
  "redis publish",
  "redis pub/sub",
  "gateway queue",
  "gateway write",
];

async function traceOf(id: string): Promise<readonly ExportedSpan[]> {
  await expect.poll(() => collector.spansOf(id).map(({ name }) => name)).toEqual(expect.arrayContaining(parts));
  return collector.spansOf(id).filter(({ name }) => parts.includes(name));
}

const longestOf = (spans: readonly ExportedSpan[]): ExportedSpan | undefined =>
  spans.toSorted((a, b) => b.endMs - b.startMs - (a.endMs - a.startMs))[0];

describe("the trace of a message", () => {
  it("has every part of its way once, in one trace, and goes to no client", async () => {
    await send();
    const id = await send();
    const spans = await traceOf(id);
    expect(spans.map(({ name }) => name).toSorted()).toEqual(parts.toSorted());
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(spans.map(({ service }) => service)).toEqual(expect.arrayContaining(["publisher", "gateway"]));
    for (const { startMs, endMs } of spans) expect(endMs).toBeGreaterThanOrEqual(startMs);
    expect(JSON.stringify(client.messages)).not.toContain("traceparent");
  });

  it("goes on with the context that the event came with, and without one that is not sampled or not valid", async () => {
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const [first] = await traceOf(await send({ traceparent: `00-${trace}-00f067aa0ba902b7-01` }));
    expect(first?.traceId).toBe(trace);
    for (const traceparent of [`00-${trace}-00f067aa0ba902b7-00`, `00-${trace}-0000000000000000-01`, "anything"]) {
      const [other] = await traceOf(await send({ traceparent }));
      expect(other?.traceId).not.toBe(trace);
    }
  });

  it.each<[string, () => Promise<string>]>([
    ["event delivery", () => send({ ageMs: DELAY_MS })],
    [
      "redis publish",
      () => {
        links.publisher.slow(DELAY_MS / 2);
        return send();
      },
    ],
    [
      "redis pub/sub",
      async () => {
        links.gateway.slow(DELAY_MS);
        // The gateway's clock offset is measured over the same link.
        await delay(2 * DELAY_MS);
        return send();
      },
    ],
  ])("attributes a delay to the part that had it: %s", async (part, sendDelayed) => {
    await send();
    const spans = await traceOf(await sendDelayed());
    expect(longestOf(spans)?.name).toBe(part);
  });
});
