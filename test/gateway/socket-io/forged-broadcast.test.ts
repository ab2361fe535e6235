import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roomName } from "../../../contract/stream.ts";
import type { TestClient } from "../../support/client.ts";
import { type Platform, startPlatform } from "../../support/platform.ts";

let platform: Platform;
let client: TestClient;
beforeAll(async () => {
  // No heartbeats of the gateway itself, which look like a forged one.
  platform = await startPlatform({ gateways: 1, environment: { RT_HEARTBEAT_MS: "300000" } });
  client = await platform.connect({ user: "bob" });
  await client.ask("subscribe", { channel: "user:orders" });
});
afterAll(() => platform.stop());

const ordersRoom = roomName({ channel: "user:orders", key: "bob" });

/** Publishes a broadcast as another node would, by the adapter's own channel. */
function broadcast(rooms: readonly string[], event: string, type = 3): Promise<unknown> {
  const packet = { type: 2, nsp: "/ws", data: [event, { id: "forged" }] };
  const data = { opts: { rooms, except: [], flags: {} }, packet };
  return platform.commands.call("SPUBLISH", "socket.io#/ws#", JSON.stringify({ uid: "other", nsp: "/ws", type, data }));
}

const refused = async (): Promise<number> =>
  (await platform.gateways[0]?.metric("rt_redis_dropped_total", 'reason="not_allowed"')) ?? Number.NaN;

const received = (): string[] =>
  client.events.map(({ name }) => name).filter((name) => name !== "subscribed" && name !== "retry");

describe("a broadcast that another node sends over Redis", () => {
  it("reaches the clients if its event and rooms belong to an application", async () => {
    await broadcast([], "greeting");
    await expect.poll(received).toEqual(["greeting"]);
    expect(await refused()).toBe(0);
  });

  it.each([
    ["to the room of a stream", [ordersRoom], "greeting", 3],
    [
      "to the room of a whole channel, beside another room",
      ["lobby", roomName({ channel: "market:prices" })],
      "greeting",
      3,
    ],
    ["of a message that only a stream may bring", [], "data", 3],
    ["of a heartbeat", [], "heartbeat", 3],
    ["of an answer", [], "subscribed", 3],
    ["of an event that Socket.IO reserves", [], "disconnect", 3],
    ["that is a request to disconnect sockets", [], "greeting", 6],
  ])("%s is refused and counted", async (_name, rooms, event, type) => {
    const [refusedBefore, receivedBefore] = [await refused(), received()];
    await broadcast(rooms, event, type);
    await expect.poll(refused).toBe(refusedBefore + 1);
    await broadcast([], "fence");
    await expect.poll(received).toEqual([...receivedBefore, "fence"]);
    expect(client.socket.connected).toBe(true);
  });
});
