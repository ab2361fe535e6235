import { setTimeout as delay } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { openTraceCollector } from "../../local/trace-collector.ts";
import { startTestEdge } from "../support/edge.ts";
import { message } from "../support/messages.ts";

const CONTEXT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const DELAY_MS = 300;

const collector = await openTraceCollector();
// The functions read it when they start.
Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
const edge = await startTestEdge();
afterAll(() => collector.close());

const publish = async (number: number): Promise<string> =>
  (await edge.publish([{ ...message("market:trades", "m", number), traceparent: CONTEXT }]))[0] ?? "";

const durationsOf = (id: string): ReadonlyMap<string, number> =>
  new Map(collector.spansOf(id).map(({ name, startMs, endMs }) => [name, endMs - startMs]));

describe("the trace of a message on the managed edge", () => {
  it("has the wait in the queue, the plan and the posts, and goes to no client", async () => {
    const client = await edge.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "m" });
    const id = await publish(1);
    await expect.poll(() => [...durationsOf(id).keys()]).toEqual(["edge queue", "edge plan", "edge post"]);
    await expect.poll(() => client.messages).toHaveLength(1);
    expect(JSON.stringify(edge.posted)).not.toContain("traceparent");
  });

  it("attributes a delay of the queue to the queue", async () => {
    edge.faults.fanOut = async (event, run) => {
      await delay(DELAY_MS);
      return run(event);
    };
    const id = await publish(2);
    await expect.poll(() => durationsOf(id).get("edge queue") ?? 0).toBeGreaterThanOrEqual(DELAY_MS);
  });
});
