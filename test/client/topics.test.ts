import { RealtimeClient } from "@vezta/realtime-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";
import { type FrameServer, startFrameServer } from "./frame-server.ts";
import { watch } from "./watch.ts";

describe("what an application may subscribe to", () => {
  const client = new RealtimeClient({ url: "http://127.0.0.1:1", autoConnect: false });
  afterAll(() => client.close());
  const onMessage = () => undefined;

  it.each([
    ["an empty market", ""],
    ["a market that is too long", "x".repeat(129)],
    ["a market with a control character", "a\nb"],
    ["a market with half a character", "\ud800"],
    ["a market that is no text", 7 as unknown as string],
    ["null", null as unknown as string],
    ["a list", ["a"] as unknown as string],
  ])("is not %s", (_, marketId) => {
    expect(() => client.subscribe("market:prices", { marketId, onMessage })).toThrow(RangeError);
  });

  it("is no market of a channel that has none, and no channel that there is not", () => {
    expect(() => client.subscribe("user:orders", { marketId: "m", onMessage })).toThrow("not split by market");
    for (const name of ["market:price", "__proto__", "constructor"]) {
      expect(() => client.subscribe(name as "market:prices", { onMessage })).toThrow(/there is no channel/);
    }
  });

  it.each([
    ["no id", "market:trades", { marketId: "m", lastId: "latest" }],
    ["a map for one market", "market:trades", { marketId: "m", lastId: { m: "1-0" } }],
    ["one id for a whole channel", "market:trades", { lastId: "5-0" }],
    ["a map with what is no id", "market:trades", { lastId: { m: "x" } }],
    ["a map with an empty market", "market:trades", { lastId: { "": "1-0" } }],
  ] as const)("does not begin at %s", (_, channel, options) => {
    expect(() => client.subscribe(channel, { ...options, onMessage })).toThrow(/lastId/);
  });
});

describe("what a client asks for", () => {
  let server: FrameServer;
  const clients: RealtimeClient[] = [];
  beforeAll(async () => {
    server = await startFrameServer();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => server.stop());

  it("is nothing where a subscription is closed in the turn in which it was opened, and never a rate on trades", async () => {
    const client = new RealtimeClient({ url: server.url });
    clients.push(client);
    const first = watch(client, "market:prices", { marketId: "first" });
    await expect.poll(() => first.subscription.status).toBe("live");
    watch(client, "market:trades", { marketId: "gone" }).subscription.close();
    watch(client, "market:prices", { marketId: "gone" }).subscription.close();
    const kept = watch(client, "market:trades", { marketId: "kept", maxRate: 2 });
    await expect.poll(() => kept.subscription.status).toBe("live");
    expect(server.requestsOf("subscribe").map(({ data }) => data)).toEqual([
      { channel: "market:prices", marketId: "first" },
      { channel: "market:trades", marketId: "kept" },
    ]);
    const again = watch(client, "market:trades", { marketId: "gone" });
    await expect.poll(() => again.subscription.status).toBe("live");
  });
});

describe("a client of a real gateway", () => {
  let platform: Platform;
  const clients: RealtimeClient[] = [];
  beforeAll(async () => {
    platform = await startPlatform({ gateways: 1 });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => platform.stop());
  const connect = (): RealtimeClient => {
    const client = new RealtimeClient({
      url: String(platform.gateways[0]?.url),
      backoff: { minimumMs: 20, maximumMs: 200 },
    });
    clients.push(client);
    return client;
  };

  it("resumes a whole channel that it asked for from the beginning", async () => {
    const ids = await platform.publish(messages("market:trades", "beginning", 3));
    const client = connect();
    const [all, live] = [watch(client, "market:trades", { lastId: "0-0" }), watch(client, "market:trades")];
    await expect.poll(all.ids).toEqual(ids);
    client.reconnect();
    await expect
      .poll(() => [all, live].map(({ statuses }) => statuses))
      .toEqual([
        ["live", "resuming", "live"],
        ["live", "resuming", "live"],
      ]);
    const more = await platform.publish(messages("market:trades", "beginning", 3, 4));
    await expect.poll(() => [all.ids(), live.ids()]).toEqual([[...ids, ...more], more]);
    expect([all.errors, live.errors]).toEqual([[], []]);
  });

  it("takes markets that are called like parts of the language for what they are", async () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
    const client = connect();
    const all = names.map((marketId) => watch(client, "market:trades", { marketId }));
    const areLive = () => all.every(({ subscription }) => subscription.status === "live");
    await expect.poll(areLive).toBe(true);
    const publish = (number: number) => platform.publish(names.map((name) => message("market:trades", name, number)));
    const ids = (await publish(1)).map((id) => [id]);
    await expect.poll(() => all.map((each) => each.ids())).toEqual(ids);
    client.pause();
    for (const [index, id] of (await publish(2)).entries()) ids[index]?.push(id);
    client.resume();
    await expect.poll(() => all.map((each) => each.ids())).toEqual(ids);
    await expect.poll(areLive).toBe(true);
    expect(all.flatMap(({ gaps, errors }) => [...gaps, ...errors])).toEqual([]);
  });
});
