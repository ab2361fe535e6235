import { describe, expect, it } from "vitest";
import { type Channel, channelDefinition, channelNames } from "../../contract/channels.ts";
import { startTestEdge } from "../support/edge.ts";
import { message, messages } from "../support/messages.ts";

const edge = await startTestEdge();

const keyFor = (channel: Channel, market: string, user: string): string | undefined =>
  ({ marketId: market, user, none: undefined })[channelDefinition(channel).key];

describe("the protocol", () => {
  it.each(channelNames)("%s: subscribe, subscribed, data", async (channel) => {
    const client = await edge.connect({ user: "base-user" });
    expect(await client.ask("subscribe", { channel })).toMatchObject({ channel });
    const published = message(channel, keyFor(channel, "base-market", "base-user"), 1);
    const [id] = await edge.publish([published]);
    await expect.poll(() => client.ids(channel)).toEqual([id]);
    expect(client.of(channel)[0]).toMatchObject({ channel, data: published.data, prev: "0-0" });
  });

  it("delivers nothing after unsubscribe", async () => {
    const client = await edge.connect();
    await client.ask("subscribe", { channel: "market:trades" });
    expect(await client.ask("unsubscribe", { channel: "market:trades" })).toEqual({ channel: "market:trades" });
    await client.ask("subscribe", { channel: "monitor:signals" });
    await edge.publish([message("market:trades", "left", 1)]);
    const [fence] = await edge.publish([message("monitor:signals", undefined, 2)]);
    await expect.poll(() => client.ids("monitor:signals")).toEqual([fence]);
    await expect.poll(() => edge.queue.size()).toBe(0);
    expect(client.of("market:trades")).toEqual([]);
  });

  it("sends a message once to a client that has the channel and the market", async () => {
    const client = await edge.connect();
    await client.ask("subscribe", { channel: "market:trades" });
    await client.ask("subscribe", { channel: "market:trades", marketId: ["twice", "other"] });
    const ids = await edge.publish(messages("market:trades", "twice", 20));
    await edge.publish([message("market:trades", "fence", 1)]);
    await expect.poll(() => client.of("market:trades").some(({ marketId }) => marketId === "fence")).toBe(true);
    await expect.poll(() => client.ids("market:trades").slice(0, -1)).toEqual(ids);
  });
});

it("says that it does not apply maxRate, in the first part of an answer", async () => {
  const client = await edge.connect();
  const one = await client.ask("subscribe", { channel: "market:prices", marketId: "rate", maxRate: 5 });
  expect(one).toMatchObject({ marketId: "rate", ignored: ["maxRate"] });
  const whole = await client.ask("subscribe", { channel: "market:orderbook", maxRate: 5, changes: true });
  expect(whole).toMatchObject({ ignored: ["maxRate"] });
  expect(await client.ask("subscribe", { channel: "market:prices", marketId: "rate" })).not.toHaveProperty("ignored");
  expect(await client.ask("subscribe", { channel: "market:trades", maxRate: 5 })).toMatchObject({
    code: "bad_request",
  });
});
