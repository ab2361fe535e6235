import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Channel, channelDefinition, channelNames } from "../../contract/channels.ts";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.stop());

/** A key that no other test uses. */
const keyFor = (channel: Channel, market: string, user: string): string | undefined =>
  ({ marketId: market, user, none: undefined })[channelDefinition(channel).key];

describe("the protocol of existing clients", () => {
  it.each(channelNames)("%s: subscribe, subscribed, data on whichever gateway", async (channel) => {
    const key = keyFor(channel, "base-market", "base-user");
    const clients = await Promise.all([0, 1].map((gateway) => platform.connect({ gateway, user: "base-user" })));
    for (const client of clients) client.socket.emit("subscribe", { channel });
    for (const client of clients)
      await expect.poll(() => client.events.map(({ name }) => name)).toContain("subscribed");
    const published = message(channel, key, 1);
    const [id] = await platform.publish([published]);
    for (const client of clients) {
      await expect.poll(() => client.ids(channel)).toContain(id);
      expect(client.of(channel).find((data) => data.id === id)).toMatchObject({ channel, data: published.data });
      expect(client.events.find(({ name }) => name === "subscribed")?.value).toMatchObject({ channel });
    }
  });

  it("delivers nothing after unsubscribe", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades" });
    client.socket.emit("unsubscribe", { channel: "market:trades" });
    await expect.poll(() => client.events.map(({ name }) => name)).toContain("unsubscribed");
    await client.ask("subscribe", { channel: "monitor:signals" });
    const [fence] = [
      await platform.publish([message("market:trades", "left", 1)]),
      await platform.publish([message("monitor:signals", undefined, 1)]),
    ].slice(1);
    await expect.poll(() => client.ids("monitor:signals")).toEqual(expect.arrayContaining(fence ?? []));
    expect(client.of("market:trades")).toEqual([]);
  });

  it("answers the acknowledgement and the event alike", async () => {
    const client = await platform.connect();
    const answer = await client.ask("subscribe", { channel: "market:trades", marketId: "quiet" });
    expect(answer).toEqual({ channel: "market:trades", marketId: "quiet", id: "0-0" });
    expect(client.events.filter(({ name }) => name === "subscribed").map(({ value }) => value)).toEqual([answer]);
  });

  it("sends a message once to a client that has the channel and the market", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades" });
    await client.ask("subscribe", { channel: "market:trades", marketId: ["twice", "other"] });
    const ids = await platform.publish(messages("market:trades", "twice", 20));
    await client.waitForMessages("market:trades", 20);
    await platform.publish([message("market:trades", "fence", 1)]);
    await expect.poll(() => client.of("market:trades").at(-1)?.marketId).toBe("fence");
    expect(client.ids("market:trades").slice(0, -1)).toEqual(ids);
  });

  it("sends only the markets that were asked for", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:prices", marketId: ["a", "b"] });
    await platform.publish([message("market:prices", "c", 1), message("market:prices", "b", 1)]);
    await platform.publish([message("market:prices", "a", 1)]);
    await client.waitForMessages("market:prices", 2);
    expect(client.of("market:prices").map(({ marketId }) => marketId)).toEqual(["b", "a"]);
  });
});

describe("private channels", () => {
  it("deliver to their user alone, on every gateway, in order", async () => {
    const users = ["ann", "ben", "cleo", "canary"];
    const clients = await Promise.all(users.map((user, index) => platform.connect({ user, gateway: index % 2 })));
    for (const client of clients) await client.ask("subscribe", { channel: "user:orders" });
    const expected = new Map<string, string[]>(users.map((user) => [user, []]));
    for (let round = 1; round <= 20; round += 1) {
      for (const user of users.slice(0, 3)) {
        expected.get(user)?.push(...(await platform.publish([message("user:orders", user, round)])));
      }
    }
    for (const [index, user] of users.entries()) {
      await expect.poll(() => clients[index]?.ids("user:orders")).toEqual(expected.get(user));
    }
  });

  it("cannot be reached by naming another user's room or user", async () => {
    const mallory = await platform.connect({ user: "mallory" });
    const attempts = [
      { channel: "{user:orders:victim}" },
      { channel: "user:orders:victim" },
      { channel: "user:orders", marketId: "victim" },
      { channel: ["user:orders"] },
      { channel: "{user:orders}" },
    ];
    for (const attempt of attempts) expect(await mallory.ask("subscribe", attempt)).toHaveProperty("code");
    await mallory.ask("subscribe", { channel: "user:orders", userId: "victim", key: "victim", sub: "victim" });
    await platform.publish([message("user:orders", "victim", 1)]);
    const [own] = await platform.publish([message("user:orders", "mallory", 1)]);
    await mallory.waitForMessages("user:orders", 1);
    expect(mallory.ids("user:orders")).toEqual([own]);
  });

  it("need a token", async () => {
    const anonymous = await platform.connect();
    for (const channel of channelNames) {
      const answer = await anonymous.ask("subscribe", { channel });
      if (channelDefinition(channel).access === "private")
        expect(answer).toMatchObject({ code: "unauthorized", channel });
      else expect(answer).toMatchObject({ channel });
    }
  });
});
