import { afterEach, describe, expect, it } from "vitest";
import { type FrameServer, startFrameServer } from "./frame-server.ts";
import { installPlatformEvents } from "./platform-events.ts";
import { setUpClients, untilLive } from "./set-up.ts";
import { watch } from "./watch.ts";

/** Returns the number of timers of this process. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

describe("a client that is closed", () => {
  let server: FrameServer;
  const create = setUpClients();
  afterEach(() => server.stop());

  it("closes its connection, and leaves no listener of the platform behind", async () => {
    const events = installPlatformEvents();
    try {
      server = await startFrameServer();
      const client = create({ url: server.url });
      await untilLive(watch(client, "market:prices", { marketId: "a" }));
      expect(events.listened()).toEqual(["online", "offline"]);

      client.close();

      await expect.poll(() => server.peers.map(({ socket }) => socket.readyState)).toEqual([3]);
      expect(events.listened()).toEqual([]);
    } finally {
      events.restore();
    }
  });

  it("leaves no timer behind, whatever it was waiting for", async () => {
    server = await startFrameServer();
    const before = timers();
    const client = create({ url: server.url });
    const rated = watch(client, "market:prices", { marketId: "a", maxRate: 0.01 });
    const left = watch(client, "market:prices", { marketId: "b" });
    const behind = watch(client, "market:trades", { marketId: "c", lastId: "5-0" });
    await untilLive(rated, left, behind);
    const data = { channel: "market:prices", marketId: "a", data: {}, id: "1-0", prev: "0-0" };
    server.peers[0]?.send("data", data);
    await expect.poll(rated.ids).toEqual(["1-0"]);
    server.peers[0]?.send("heartbeat", { channel: "market:trades", marketId: "c", id: "9-0" });
    server.peers[0]?.send("drain", { reconnectIn: 1_000_000 });
    left.subscription.close();
    expect(timers()).toBeGreaterThan(before);

    client.close();

    await expect.poll(timers).toBeLessThanOrEqual(before);
  });
});

describe("a listener that throws", () => {
  const create = setUpClients();

  it("is reported to onError, and stops neither the other listeners nor the next message", async () => {
    const server = await startFrameServer();
    const reported: string[] = [];
    const client = create({ url: server.url, onError: ({ message }) => reported.push(message) });
    const throws = (name: string) => () => {
      throw new Error(name);
    };
    const statuses: string[] = [];
    client.onStatus(throws("client status"));
    client.onStatus((status) => statuses.push(status));
    const broken = client.subscribe("market:trades", {
      marketId: "a",
      lastId: "1-0",
      onMessage: throws("message"),
      onStatus: throws("status"),
    });
    const other = watch(client, "market:trades", { marketId: "a", lastId: "1-0" });
    await untilLive({ subscription: broken }, other);
    for (const number of [2, 3]) {
      const data = { channel: "market:trades", marketId: "a", data: {}, id: `${number}-0`, prev: `${number - 1}-0` };
      server.peers[0]?.send("data", data);
    }

    await expect.poll(other.ids).toEqual(["2-0", "3-0"]);
    expect(statuses).toEqual(["connecting", "connected"]);
    expect(reported).toEqual(["client status", "client status", "status", "message", "message"]);
    await server.stop();
  });
});
