import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createShardedAdapter } from "@socket.io/redis-adapter";
import { Server } from "socket.io";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { channelNames, channels } from "../../contract/channels.ts";
import { roomName } from "../../contract/stream.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { message, messages } from "../support/messages.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../support/redis.ts";

/** A stock Socket.IO server: the unmodified adapter, and rooms that a client names. */
async function startStockServer(redis: TestRedis) {
  const http = createServer();
  const adapter = createShardedAdapter(redis.addPublisherConnection(), redis.addSubscriber(), {
    subscriptionMode: "dynamic",
  });
  const server = new Server(http, { adapter });
  server.of("/ws").on("connection", (socket) => {
    socket.on("join", async (rooms: string[], acknowledge: () => void) => {
      await socket.join(rooms);
      acknowledge();
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

describe.each(redisKinds)("a stock Socket.IO server on %s", (kind) => {
  let redis: TestRedis;
  let stock: Awaited<ReturnType<typeof startStockServer>>;
  const clients: TestClient[] = [];
  beforeAll(async () => {
    redis = await startTestRedis(kind);
    stock = await startStockServer(redis);
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await stock.close();
    await redis.stop();
  });

  async function join(...rooms: string[]): Promise<TestClient> {
    const client = await connectClient(stock.url);
    clients.push(client);
    await client.ask("join", rooms);
    return client;
  }

  /** `join` resolves before SSUBSCRIBE is confirmed: publish until the first message comes through. */
  async function untilSubscribed(publish: (number: number) => Promise<unknown>, client: TestClient): Promise<void> {
    let number = 0;
    await expect
      .poll(async () => {
        if (client.messages.length === 0) await publish(++number);
        return client.messages.length;
      })
      .toBeGreaterThan(0);
  }

  it.each(channelNames)("receives what is published on %s, once and in order", async (channel) => {
    const publisher = redis.addPublisher();
    const key = channels[channel].key === "none" ? undefined : "stock";
    const client = await join(roomName({ channel, key }));
    await untilSubscribed((number) => publisher.publish([message(channel, key, number)]), client);
    const outcomes = await publisher.publish(messages(channel, key, 20, 1_000));
    const ids = outcomes.map((outcome) => (outcome.status === "published" ? outcome.id : outcome.status));
    await expect.poll(() => client.ids(channel).slice(-20)).toEqual(ids);
  });

  it("sends one copy to a client that is in the whole channel's room and in a market's", async () => {
    const publisher = redis.addPublisher();
    const rooms = [roomName({ channel: "market:trades" }), roomName({ channel: "market:trades", key: "both" })];
    const [both, market] = [await join(...rooms), await join(String(rooms[1]))];
    await untilSubscribed((number) => publisher.publish([message("market:trades", "both", number)]), market);
    const ids = (await publisher.publish(messages("market:trades", "both", 20, 1_000))).map((outcome) =>
      outcome.status === "published" ? outcome.id : outcome.status,
    );
    for (const client of [both, market]) {
      await expect.poll(() => client.ids("market:trades").slice(-20)).toEqual(ids);
      expect(client.ids("market:trades")).toEqual([...new Set(client.ids("market:trades"))]);
    }
  });
});
