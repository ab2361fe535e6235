import { beforeAll, describe, expect, it } from "vitest";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { noFaults } from "../../local/managed-edge/edge-faults.ts";
import { startTestEdge } from "../support/edge.ts";
import { message, messages } from "../support/messages.ts";

/** Largest message that API Gateway sends, and the step that it bills, in bytes. */
const MESSAGE_BYTES = 128 * 1_024;
const STEP_BYTES = 32 * 1_024;

const edge = await startTestEdge();

const marketOf = (index: number): string => `${"1234567890".repeat(7)}-${String(index).padStart(6, "0")}`;

describe("a whole channel of 2,000 markets with ids of 77 digits", () => {
  const markets = Array.from({ length: 2_000 }, (_, index) => marketOf(index));
  const tops = new Map<string, string>();

  beforeAll(async () => {
    for (let start = 0; start < markets.length; start += 500) {
      const batch = markets.slice(start, start + 500);
      const ids = await edge.publish(batch.map((market) => message("market:prices", market, 1)));
      for (const [index, market] of batch.entries()) tops.set(market, ids[index] ?? "");
      await edge.publish(batch.map((market) => message("market:trades", market, 1)));
    }
  });

  it("is answered in parts, each before its messages, and then live", async () => {
    const client = await edge.connect();

    const answer = await client.ask("subscribe", { channel: "market:prices" });

    expect(answer).toEqual({ channel: "market:prices", ids: Object.fromEntries(tops) });
    const parts = client.frames.filter(({ event }) => event === "subscribed");
    expect(parts.length).toBeGreaterThan(3);
    const named = new Set<string>();
    for (const frame of client.frames) {
      if (frame.event === "subscribed") for (const market of Object.keys(frame.data.ids ?? {})) named.add(market);
      if (frame.event === "data") expect(named).toContain(frame.data.marketId);
    }
    await expect.poll(() => client.messages.length).toBe(markets.length);
    const batch = markets.slice(0, 60).map((market) => message("market:prices", market, 2));
    const live = await edge.publish(batch);
    await expect.poll(() => client.messages.length).toBe(markets.length + live.length);
    for (const data of client.messages.slice(markets.length)) expect(data.prev).toBe(tops.get(String(data.marketId)));
    await client.ask("ping");
    await expect.poll(() => client.frames.some(({ event }) => event === "heartbeat")).toBe(true);
  });

  it.each(["0-0", "by map"] as const)("is resumed from %s", async (from) => {
    const client = await edge.connect();
    const known = markets.slice(0, 250);
    const { ids } = await client.ask("subscribe", { channel: "market:trades", marketId: known });
    const lastId = from === "0-0" ? from : Object.fromEntries(known.map((market) => [market, Object(ids)[market]]));

    const answer = await client.ask("subscribe", { channel: "market:trades", lastId });

    expect(answer.recovered).toBe(true);
    expect(Object.keys(Object(answer.ids))).toHaveLength(markets.length);
    await expect.poll(() => client.messages.length).toBe(from === "0-0" ? markets.length : 0);
  });

  it("sends no message larger than a billed step, and few that are much smaller", () => {
    const sizes = edge.posted.map((body) => Buffer.byteLength(body));
    expect(sizes.filter((size) => size > MESSAGE_BYTES)).toEqual([]);
    expect(sizes.filter((size) => size > STEP_BYTES)).toEqual([]);
    expect(sizes.filter((size) => size > STEP_BYTES / 2).length).toBeGreaterThan(20);
  });
});

describe("an id of 128 characters that are three bytes each", () => {
  const market = "市".repeat(128);

  it.each(["market:trades", "market:prices"] as const)("is a market like any other: %s", async (channel) => {
    const client = await edge.connect();

    const answer = await client.ask("subscribe", { channel, marketId: market });
    const [first] = await edge.publish([message(channel, market, 1)]);

    expect(answer).toEqual({ channel, marketId: market, id: "0-0" });
    await expect.poll(() => client.ids(channel)).toEqual([first]);
    await client.ask("ping");
    await expect.poll(() => client.frames.at(-1)).toMatchObject({ event: "heartbeat", data: { marketId: market } });
    await client.ask("unsubscribe", { channel, marketId: market });
    const again = await client.ask("subscribe", { channel, marketId: market, lastId: "0-0" });
    expect(again).toMatchObject({ id: first, recovered: true });
  });

  it("is one of a hundred in a list", async () => {
    const list = Array.from({ length: 20 }, (_, index) => `${"場".repeat(126)}${String(index).padStart(2, "0")}`);
    await edge.publish(list.flatMap((each) => messages("market:trades", each, 3)));
    const client = await edge.connect();

    const answer = await client.ask("subscribe", { channel: "market:trades", marketId: list, lastId: "0-0" });

    expect(answer).toMatchObject({ marketId: list, recovered: true });
    expect(Object.keys(Object(answer.ids))).toEqual(list);
    await expect.poll(() => client.messages.length).toBe(60);
  });
});

it("refuses a request whose answer is too large, and the other subscriptions go on", async () => {
  const large = Array.from({ length: 20 }, (_, index) => `large-${index}`);
  const { data } = message("market:trades", "large", 1);
  const padding = "x".repeat(5_000);
  for (const market of large) {
    const body = JSON.stringify({ channel: "market:trades", marketId: market, data: { ...data, padding } }).slice(
      0,
      -1,
    );
    const entries = edge.commands.pipeline();
    for (let number = 1; number <= 300; number += 1) {
      entries.xadd(`stream:{market:trades}:${market}`, `${number}-0`, "m", body, "p", `${number - 1}-0`);
    }
    await entries.exec();
  }
  const client = await edge.connect();
  await client.ask("subscribe", { channel: "market:trades", marketId: "beside" });

  const answer = await client.ask("subscribe", { channel: "market:trades", marketId: large, lastId: "0-0" });

  expect(answer).toMatchObject({ code: "limit_exceeded", marketId: large });
  const ids = await edge.publish([message("market:trades", "large-1", 1), message("market:trades", "beside", 1)]);
  await expect.poll(() => client.ids("market:trades")).toEqual([ids[1]]);
});

it("refuses a request that fails in the middle of its answer: an error replaces the last part", async () => {
  const client = await edge.connect();
  const id = edge.api.connectionIds().at(-1) ?? "";
  edge.faults.post = (_id, body) => {
    if (body.includes('"more":true')) edge.redis.process.kill("SIGSTOP");
    return undefined;
  };

  const answer = await client.ask("subscribe", { channel: "market:prices" });
  edge.redis.process.kill("SIGCONT");
  Object.assign(edge.faults, noFaults());

  expect(answer).toMatchObject({ code: "unavailable", channel: "market:prices" });
  expect(client.frames.find(({ event }) => event === "subscribed")?.data).toMatchObject({ more: true });
  const { connections } = openTable(String(process.env.RT_EDGE_TABLE));
  await expect.poll(async () => (await connections.find(id))?.subscriptions.size).toBe(0);
  expect(await client.ask("subscribe", { channel: "monitor:signals" })).toHaveProperty("id");
});
