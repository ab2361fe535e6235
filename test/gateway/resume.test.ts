import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { channels } from "../../contract/channels.ts";
import type { DataMessage } from "../../contract/messages.ts";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.stop());

/** Every `prev` is the id before. */
const expectChain = (received: readonly DataMessage[]): void => {
  expect(received.slice(1).map(({ prev }) => prev)).toEqual(received.slice(0, -1).map(({ id }) => id));
};

describe("a snapshot on subscribe", () => {
  it("is the last value of one market, with the stream's id in the answer", async () => {
    const ids = await platform.publish(messages("market:prices", "snap", 5));
    const client = await platform.connect();
    expect(await client.ask("subscribe", { channel: "market:prices", marketId: "snap" })).toMatchObject({ id: ids[4] });
    await client.waitForMessages("market:prices", 1);
    expect(client.ids("market:prices")).toEqual([ids[4]]);
  });

  it("is the last value of every active market, for the whole channel", async () => {
    const markets = Array.from({ length: 700 }, (_, index) => `many-${index}`);
    await platform.publish(markets.map((market) => message("market:orderbook", market, 1)));
    const newest = await platform.publish(markets.map((market) => message("market:orderbook", market, 2)));
    const client = await platform.connect({ gateway: 1 });
    const { ids } = await client.ask("subscribe", { channel: "market:orderbook" });
    expect(Object.keys(ids ?? {})).toHaveLength(700);
    await client.waitForMessages("market:orderbook", 700);
    expect(new Set(client.ids("market:orderbook"))).toEqual(new Set(newest));
  });

  it("is delivered for a market that a resume adds without an id, beside one that is live already", async () => {
    const [first] = await platform.publish([message("market:prices", "added", 1)]);
    const [live] = await platform.publish([message("market:prices", "live", 1)]);
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:prices", marketId: "live" });
    await expect.poll(() => client.ids("market:prices")).toEqual([live]);

    const request = { channel: "market:prices", marketId: ["live", "added"], lastId: { live } };
    expect(await client.ask("subscribe", request)).toMatchObject({ ids: { live, added: first } });

    await expect.poll(() => client.ids("market:prices")).toEqual([live, first]);
  });

  it("is empty for an unknown market", async () => {
    const client = await platform.connect();
    expect(await client.ask("subscribe", { channel: "market:prices", marketId: "nobody" })).toMatchObject({
      id: "0-0",
    });
    const [id] = await platform.publish([message("market:prices", "nobody", 1)]);
    await expect.poll(() => client.ids("market:prices")).toEqual([id]);
  });
});

describe("resume", () => {
  it("delivers what followed lastId, in order, and then live messages", async () => {
    const ids = await platform.publish(messages("user:orders", "away", 30));
    const client = await platform.connect({ user: "away" });
    const answer = await client.ask("subscribe", { channel: "user:orders", lastId: ids[9] });
    expect(answer).toMatchObject({ recovered: true, id: ids[29] });
    const more = await platform.publish(messages("user:orders", "away", 5, 31));
    await expect.poll(() => client.ids("user:orders")).toEqual([...ids.slice(10), ...more]);
    expectChain(client.of("user:orders"));
  });

  it("lets each device of a user resume on its own", async () => {
    const ids = await platform.publish(messages("user:notifications", "devices", 10));
    const [phone, laptop] = await Promise.all([
      platform.connect({ user: "devices" }),
      platform.connect({ user: "devices", gateway: 1 }),
    ]);
    await phone.ask("subscribe", { channel: "user:notifications", lastId: ids[7] });
    await laptop.ask("subscribe", { channel: "user:notifications", lastId: ids[2] });
    await expect.poll(() => phone.ids("user:notifications")).toEqual(ids.slice(8));
    await expect.poll(() => laptop.ids("user:notifications")).toEqual(ids.slice(3));
  });

  it("reports recovered: false if the stream no longer holds what followed, and delivers what it holds", async () => {
    const kept = channels["market:trades"].history.entries;
    const ids = await platform.publish(messages("market:trades", "long", kept + 50));
    const client = await platform.connect();
    const answer = await client.ask("subscribe", { channel: "market:trades", marketId: "long", lastId: ids[10] });
    expect(answer).toMatchObject({ recovered: false, id: ids.at(-1) });
    await client.waitForMessages("market:trades", kept);
    expect(client.ids("market:trades")).toEqual(ids.slice(50));
  });

  it("reports recovered: false if the client's id is newer than every entry", async () => {
    const [id] = await platform.publish([message("user:portfolio", "future", 1)]);
    const client = await platform.connect({ user: "future" });
    const answer = await client.ask("subscribe", { channel: "user:portfolio", lastId: "9999999999999-0" });
    expect(answer).toMatchObject({ recovered: false, id });
    await expect.poll(() => client.ids("user:portfolio")).toEqual([id]);
  });

  it("takes a map of ids by market and names those that it could not recover", async () => {
    const first = await platform.publish(messages("market:trades", "map-a", 10));
    const second = await platform.publish(messages("market:trades", "map-b", 10));
    const client = await platform.connect();
    const answer = await client.ask("subscribe", {
      channel: "market:trades",
      marketId: ["map-a", "map-b"],
      lastId: { "map-a": first[4], "map-b": "9999999999999-0" },
    });
    expect(answer).toMatchObject({ recovered: false, unrecovered: ["map-b"] });
    await client.waitForMessages("market:trades", 15);
    const of = (market: string) => client.of("market:trades").filter(({ marketId }) => marketId === market);
    expect(of("map-a").map(({ id }) => id)).toEqual(first.slice(5));
    expect(of("map-b").map(({ id }) => id)).toEqual(second);
  });

  it("loses, repeats and reorders nothing while messages flow and the client reconnects repeatedly", async () => {
    const published: string[] = [];
    let publishing = true;
    const publisher = (async () => {
      for (let number = 1; publishing; number += 5) {
        published.push(...(await platform.publish(messages("user:orders", "hand-over", 5, number))));
        await delay(1);
      }
    })();
    const received: DataMessage[] = [];
    for (let turn = 0; turn < 12; turn += 1) {
      const client = await platform.connect({ user: "hand-over", gateway: turn % 2 });
      const lastId = received.at(-1)?.id ?? "0-0";
      client.socket.on("data", (data: DataMessage) => received.push(data));
      expect(await client.ask("subscribe", { channel: "user:orders", lastId })).toMatchObject({ recovered: true });
      const before = received.length;
      await expect.poll(() => received.length).toBeGreaterThan(before + 20);
      if (turn === 11) {
        publishing = false;
        await publisher;
        await expect.poll(() => received.at(-1)?.id).toBe(published.at(-1));
      }
      client.socket.off("data");
      client.close();
    }
    expect(received.map(({ id }) => id)).toEqual(published);
    expectChain(received);
  });

  it("works in place, on a subscription that is live", async () => {
    const client = await platform.connect({ user: "in-place" });
    await client.ask("subscribe", { channel: "user:orders" });
    const ids = await platform.publish(messages("user:orders", "in-place", 10));
    await client.waitForMessages("user:orders", 10);
    await client.ask("subscribe", { channel: "user:orders", lastId: ids[4] });
    const [last] = await platform.publish([message("user:orders", "in-place", 11)]);
    await expect.poll(() => client.ids("user:orders")).toEqual([...ids, ...ids.slice(5), last]);
  });
});
