import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ environment: { RT_TRANSPORTS: "websocket,polling" } });
});
afterAll(() => platform.stop());

describe("long polling", () => {
  it("receives the same messages in the same order as a WebSocket", async () => {
    const polling = await platform.connect({ user: "poller", transports: ["polling"] });
    const webSocket = await platform.connect({ user: "poller", gateway: 1 });
    for (const client of [polling, webSocket]) await client.ask("subscribe", { channel: "user:orders" });
    const ids = await platform.publish(messages("user:orders", "poller", 200));
    await expect.poll(() => polling.ids("user:orders")).toEqual(ids);
    await expect.poll(() => webSocket.ids("user:orders")).toEqual(ids);
    expect(polling.socket.io.engine.transport.name).toBe("polling");
  });

  it("loses nothing during the upgrade to WebSocket", async () => {
    const client = await platform.connect({ user: "upgrader", transports: ["polling", "websocket"] });
    await client.ask("subscribe", { channel: "user:orders", lastId: "0-0" });
    const ids: string[] = [];
    while (client.socket.io.engine.transport.name !== "websocket" || ids.length < 200) {
      ids.push(...(await platform.publish(messages("user:orders", "upgrader", 10, ids.length + 1))));
    }
    await expect.poll(() => client.ids("user:orders")).toEqual(ids);
  });

  it("is refused unless it is enabled", async () => {
    const gateway = await platform.addGateway({ RT_TRANSPORTS: "websocket" });
    const index = platform.gateways.indexOf(gateway);
    await expect(platform.connect({ gateway: index, transports: ["polling"] })).rejects.toThrow();
    const client = await platform.connect({ gateway: index });
    expect(client.socket.connected).toBe(true);
  });
});
