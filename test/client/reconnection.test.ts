import { type Message, RealtimeClient } from "vezta-realtime/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.stop());

describe("a client", () => {
  it("gets orders, over a reconnection", async () => {
    const client = new RealtimeClient({
      url: platform.gateways[0]?.url ?? "",
      token: () => platform.issuer.sign({ sub: "u1" }),
      backoff: { minimumMs: 20, maximumMs: 100 },
    });
    const got: Message<"user:orders">[] = [];
    const subscription = client.subscribe("user:orders", { onMessage: (message) => got.push(message) });
    await expect.poll(() => subscription.status).toBe("live");
    const ids = await platform.publish(messages("user:orders", "u1", 50));
    await expect.poll(() => got.length).toBe(50);
    client.reconnect();
    ids.push(...(await platform.publish(messages("user:orders", "u1", 50, 51))));
    await expect.poll(() => got.map(({ id }) => id)).toEqual(ids);
    await expect.poll(() => subscription.status).toBe("live");
    const books: unknown[] = [];
    for (const id of ["m1", "m2", "m3"])
      client.subscribe("market:orderbook", { marketId: id, onMessage: ({ data }) => books.push(data.yes) });
    await platform.publish(messages("market:orderbook", "m1", 5));
    await expect.poll(() => books.length).toBeGreaterThan(0);
    client.close();
  });
});
