import { RealtimeClient } from "@vezta/realtime-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { message, messages } from "../support/messages.ts";
import { type FrameServer, startFrameServer } from "./frame-server.ts";
import { setUpClients, setUpGateway } from "./set-up.ts";
import { watch } from "./watch.ts";

describe("the arguments of subscribe", () => {
  const client = new RealtimeClient({ url: "http://127.0.0.1:1", autoConnect: false });
  afterAll(() => client.close());
  const onMessage = () => undefined;

  it.each([
    ["an empty market", ""],
    ["a market that is too long", "x".repeat(129)],
    ["a market with a control character", "a\nb"],
    ["a market with half a character", "\ud800"],
    ["a market that is no text", 7 as unknown as string],
    ["null as market", null as unknown as string],
    ["a list of markets", ["a"] as unknown as string],
  ])("are refused with %s", (_, marketId) => {
    expect(() => client.subscribe("market:prices", { marketId, onMessage })).toThrow(RangeError);
  });

  it("are refused with a market of a channel that has none, and with an unknown channel", () => {
    expect(() => client.subscribe("user:orders", { marketId: "m", onMessage })).toThrow("not split by market");
    for (const name of ["market:price", "__proto__", "constructor"]) {
      expect(() => client.subscribe(name as "market:prices", { onMessage })).toThrow(/unknown channel/);
    }
  });

  it.each([
    ["text that is not an id", "market:trades", { marketId: "m", lastId: "latest" }],
    ["a map for one market", "market:trades", { marketId: "m", lastId: { m: "1-0" } }],
    ["one id for a whole channel", "market:trades", { lastId: "5-0" }],
    ["a map with text that is not an id", "market:trades", { lastId: { m: "x" } }],
    ["a map with an empty market", "market:trades", { lastId: { "": "1-0" } }],
  ] as const)("are refused with %s as lastId", (_, channel, options) => {
    expect(() => client.subscribe(channel, { ...options, onMessage })).toThrow(/lastId/);
  });
});

describe("the requests of a client", () => {
  let server: FrameServer;
  beforeAll(async () => {
    server = await startFrameServer();
  });
  const create = setUpClients();
  afterAll(() => server.stop());

  it("leave out a subscription that was closed in the turn in which it was opened, and a rate on trades", async () => {
    const client = create({ url: server.url });
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
  const gateway = setUpGateway();
  const { connect } = gateway;

  it("resumes a whole channel that it subscribed to from the start", async () => {
    const ids = await gateway.platform.publish(messages("market:trades", "beginning", 3));
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
    const more = await gateway.platform.publish(messages("market:trades", "beginning", 3, 4));
    await expect.poll(() => [all.ids(), live.ids()]).toEqual([[...ids, ...more], more]);
    expect([all.errors, live.errors]).toEqual([[], []]);
  });

  it("handles markets that are named like properties of every object", async () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];
    const client = connect();
    const all = names.map((marketId) => watch(client, "market:trades", { marketId }));
    const areLive = () => all.every(({ subscription }) => subscription.status === "live");
    await expect.poll(areLive).toBe(true);
    const publish = (number: number) =>
      gateway.platform.publish(names.map((name) => message("market:trades", name, number)));
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
