import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

/** Names that an object has of its own, or that change it when they are assigned. */
const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];

/** As JSON has it: an own property, whatever the name. */
const mapOf = (entries: readonly (readonly [string, string])[]): unknown =>
  JSON.parse(`{${entries.map(([name, id]) => `${JSON.stringify(name)}:${JSON.stringify(id)}`).join(",")}}`);

const idsIn = (value: unknown): [string, unknown][] =>
  Object.entries(Object(value)).toSorted(([a], [b]) => (a < b ? -1 : 1));

describe.each(names)("a market of the name %s", (marketId) => {
  it("can be subscribed to and resumed alone, in a list and in a map of the whole channel, and has heartbeats", async () => {
    const channel = "market:trades";
    const live = await platform.connect();
    expect(await live.ask("subscribe", { channel, marketId })).toMatchObject({ channel, marketId, id: "0-0" });
    const ids = await platform.publish(messages(channel, marketId, 4));
    await expect.poll(() => live.ids(channel)).toEqual(ids);
    await expect.poll(() => live.heartbeats.at(-1)).toEqual({ channel, marketId, id: ids.at(-1) });

    const requests = [
      { marketId, lastId: ids[1] },
      { marketId: [marketId], lastId: mapOf([[marketId, String(ids[1])]]) },
      { lastId: mapOf([[marketId, String(ids[1])]]) },
    ];
    for (const request of requests) {
      const back = await platform.connect();
      const answer = await back.ask("subscribe", { channel, ...request });
      expect(answer).toMatchObject({ recovered: true });
      if ("ids" in answer) expect(idsIn(answer.ids)).toContainEqual([marketId, ids.at(-1)]);
      await expect.poll(() => back.ids(channel)).toEqual(ids.slice(2));
      back.close();
    }
  });

  it("is named in the heartbeats and the answers of a whole channel", async () => {
    const channel = "market:prices";
    const client = await platform.connect();
    await client.ask("subscribe", { channel });
    const [id] = await platform.publish([message(channel, marketId, 1_000)]);
    await expect.poll(() => client.heartbeats.flatMap(({ ids }) => idsIn(ids))).toContainEqual([marketId, id]);
    const list = await client.ask("subscribe", { channel, marketId: [marketId] });
    expect(idsIn(list.ids)).toEqual([[marketId, id]]);
  });
});

describe("lastId as a map", () => {
  it.each([
    ["a value that is no id", mapOf([["__proto__", "now"]])],
    ["an id with a leading zero", mapOf([["a", "01-0"]])],
    ["an id beyond 2^53", mapOf([["a", "9007199254740993-0"]])],
    ["a name that is none", mapOf([["", "1-0"]])],
    ["a list", ["1-0"]],
  ])("with %s is refused, saying where", async (_, lastId) => {
    const client = await platform.connect();
    const answer = await client.ask("subscribe", { channel: "market:trades", lastId });
    expect(answer).toMatchObject({ code: "bad_request", message: expect.stringContaining("lastId") });
  });
});
