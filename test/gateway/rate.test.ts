import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

let published = 0;
const next = (): number => {
  published += 1;
  return published;
};

describe("maxRate", () => {
  it.each([
    ["one market", { marketId: "rated" }],
    ["the whole channel", {}],
  ])("delivers fewer, newest values of %s, with a complete `prev` chain", async (_, request) => {
    const [all, rated] = await Promise.all([platform.connect(), platform.connect()]);
    await all.ask("subscribe", { channel: "market:prices", marketId: "rated" });
    await rated.ask("subscribe", { channel: "market:prices", ...request, maxRate: 2 });
    const before = all.of("market:prices").length;
    const ids: string[] = [];
    for (let number = 1; number <= 20; number += 1) {
      ids.push(...(await platform.publish([message("market:prices", "rated", next())])));
      await expect.poll(() => all.ids("market:prices").at(-1)).toBe(ids.at(-1));
    }
    await expect.poll(() => rated.ids("market:prices").at(-1)).toBe(ids.at(-1));
    expect(all.of("market:prices")).toHaveLength(before + 20);
    const got = rated.of("market:prices");
    expect(got.length).toBeLessThan(15);
    expect(got.slice(1).map(({ prev }) => prev)).toEqual(got.slice(0, -1).map(({ id }) => id));
  });

  it("can be changed and removed by subscribing again", async () => {
    const client = await platform.connect();
    const request = { channel: "market:prices", marketId: "changed" };
    for (const maxRate of [1, 5, undefined]) await client.ask("subscribe", { ...request, maxRate });
    for (let number = 1; number <= 5; number += 1) {
      const [id] = await platform.publish([message("market:prices", "changed", number)]);
      await expect.poll(() => client.ids("market:prices").at(-1)).toBe(id);
    }
    expect(client.of("market:prices")).toHaveLength(5);
  });

  it.each([
    ["market:trades", 5],
    ["user:orders", 5],
    ["market:prices", 0],
    ["market:prices", 51],
    ["market:prices", "fast"],
  ])("is refused on %s with %s, with the reason", async (channel, maxRate) => {
    const client = await platform.connect({ user: "rate" });
    const answer = await client.ask("subscribe", { channel, maxRate });
    expect(answer).toMatchObject({ code: "bad_request", message: expect.stringContaining("maxRate") });
  });
});
