import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorCodes } from "../../contract/errors.ts";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)]);

const requests: readonly (readonly [name: string, request: unknown, code: string])[] = [
  ["null", null, "bad_request"],
  ["a number", 7, "bad_request"],
  ["a string", "market:prices", "bad_request"],
  ["an array", ["market:prices"], "bad_request"],
  ["an empty object", {}, "bad_request"],
  ["a channel that is null", { channel: null }, "bad_request"],
  ["a channel that is a number", { channel: 1 }, "bad_request"],
  ["a channel that is an array", { channel: ["user:orders"] }, "bad_request"],
  ["a channel that is an object", { channel: { toString: "market:prices" } }, "bad_request"],
  ["a channel of 1,000,000 characters less an envelope", { channel: "x".repeat(990_000) }, "bad_request"],
  ["an unknown channel", { channel: "market:weather" }, "unknown_channel"],
  ["an empty channel", { channel: "" }, "unknown_channel"],
  ["another case", { channel: "Market:Prices" }, "unknown_channel"],
  ["a space before", { channel: " market:prices" }, "unknown_channel"],
  ["a prototype key", { channel: "__proto__" }, "unknown_channel"],
  ["a method's name", { channel: "constructor" }, "unknown_channel"],
  ["a wildcard", { channel: "market:*" }, "unknown_channel"],
  ["a line break", { channel: "market:prices\r\nx" }, "unknown_channel"],
  ["a market that is a number", { channel: "market:prices", marketId: 1 }, "bad_request"],
  ["a market that is empty", { channel: "market:prices", marketId: "" }, "bad_request"],
  ["a market with a control character", { channel: "market:prices", marketId: "a\u0000b" }, "bad_request"],
  ["a market with a lone surrogate", { channel: "market:prices", marketId: "\ud800" }, "bad_request"],
  ["a market of 129 characters", { channel: "market:prices", marketId: "m".repeat(129) }, "bad_request"],
  ["no markets", { channel: "market:prices", marketId: [] }, "bad_request"],
  ["501 markets", { channel: "market:prices", marketId: Array.from({ length: 501 }, (_, i) => `${i}`) }, "bad_request"],
  ["nested markets", { channel: "market:prices", marketId: [["a"]] }, "bad_request"],
  ["a market where there is none", { channel: "monitor:signals", marketId: "a" }, "bad_request"],
  ["a lastId that is no id", { channel: "market:trades", marketId: "a", lastId: "yesterday" }, "bad_request"],
  ["a lastId that is a number", { channel: "market:trades", marketId: "a", lastId: 5 }, "bad_request"],
  ["one lastId for a whole channel", { channel: "market:trades", lastId: "5-0" }, "bad_request"],
  ["something deep", { channel: "market:prices", marketId: deep(1_000) }, "bad_request"],
];

describe.each(["subscribe", "unsubscribe"])("%s", (event) => {
  const table = requests.filter(([, request]) => event === "subscribe" || !Object.hasOwn(Object(request), "lastId"));

  it.each(table)("refuses %s with a code, and keeps the connection", async (_name, request, code) => {
    const client = await platform.connect();
    const answer = await client.ask(event, request);
    expect(answer).toMatchObject({ code, message: expect.any(String) });
    expect(Object.keys(errorCodes)).toContain(answer.code);
    expect(client.errors).toEqual([answer]);
    expect(await client.ask("subscribe", { channel: "market:prices" })).toMatchObject({ channel: "market:prices" });
    client.close();
  });
});

describe("malformed requests", () => {
  it("are answered with errors or ignored, while other clients are served", async () => {
    const [hostile, witness] = await Promise.all([platform.connect(), platform.connect()]);
    await witness.ask("subscribe", { channel: "market:trades", marketId: "witness" });
    hostile.socket.emit("subscribe");
    hostile.socket.emit("unsubscribe");
    hostile.socket.emit("authenticate");
    hostile.socket.emit("subscribe", null, undefined, 1);
    hostile.socket.emit("unknown", { channel: "market:prices" });
    hostile.socket.emit("__proto__", {});
    hostile.socket.emit("data", { channel: "market:trades", data: {} });
    expect(await hostile.ask("subscribe")).toMatchObject({ code: "bad_request" });
    expect(await hostile.ask("authenticate", { token: 5 })).toMatchObject({ code: "bad_request" });
    expect(await hostile.ask("authenticate", { token: "x".repeat(8_193) })).toMatchObject({ code: "bad_request" });
    const [id] = await platform.publish([message("market:trades", "witness", 1)]);
    await expect.poll(() => witness.ids("market:trades")).toEqual([id]);
    expect(platform.gateways[0]?.process.exitCode).toBeNull();
  });

  it.each([
    ["binary attachments", '452-/ws,["subscribe",{"_placeholder":true,"num":0}]'],
    ["broken JSON", '42/ws,["subscribe",{'],
    ["a reserved event", '42/ws,["disconnect"]'],
    ["an unknown packet type", "49/ws,[]"],
  ])("close the connection that sends %s, and no other", async (_name, packet) => {
    const [hostile, witness] = await Promise.all([platform.connect(), platform.connect()]);
    hostile.socket.io.reconnection(false);
    // What a client of another make could write: past the encoder.
    hostile.socket.io.engine.write(packet.slice(1));
    await expect.poll(() => hostile.socket.connected).toBe(false);
    expect(await witness.ask("subscribe", { channel: "market:prices" })).toMatchObject({ channel: "market:prices" });
  });
});

describe("limits", () => {
  it("on subscriptions are reported with a code, and existing subscriptions stay", async () => {
    const gateway = await platform.addGateway({ RT_MAX_SUBSCRIPTIONS: "3" });
    const client = await platform.connect({ gateway: platform.gateways.indexOf(gateway) });
    await client.ask("subscribe", { channel: "market:trades", marketId: ["one", "two", "three"] });
    expect(await client.ask("subscribe", { channel: "market:trades", marketId: "four" })).toMatchObject({
      code: "limit_exceeded",
    });
    expect(await client.ask("subscribe", { channel: "market:trades", marketId: "one" })).toMatchObject({ id: "0-0" });
    const [id] = await platform.publish([message("market:trades", "two", 1)]);
    await expect.poll(() => client.ids("market:trades")).toEqual([id]);
  });

  it("on the request rate are reported with a code", async () => {
    const client = await platform.connect();
    for (let index = 0; index < 1_500; index += 1) client.socket.emit("unsubscribe", { channel: "monitor:signals" });
    await expect.poll(() => client.errors.map(({ code }) => code)).toContain("rate_limited");
    expect(client.socket.connected).toBe(true);
  });

  it("on connections make the gateway refuse more and report not ready", async () => {
    const gateway = await platform.addGateway({ RT_MAX_CONNECTIONS: "1" });
    const index = platform.gateways.indexOf(gateway);
    await platform.connect({ gateway: index });
    await expect(platform.connect({ gateway: index })).rejects.toThrow();
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
  });

  it("on origins refuse a browser from another site", async () => {
    const gateway = await platform.addGateway({ RT_CORS_ORIGINS: "https://app.example" });
    const index = platform.gateways.indexOf(gateway);
    await platform.connect({ gateway: index, extraHeaders: { origin: "https://app.example" } });
    await expect(
      platform.connect({ gateway: index, extraHeaders: { origin: "https://evil.example" } }),
    ).rejects.toThrow();
  });
});
