import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roomName, type Topic } from "../../contract/stream.ts";
import { dataOf, targetOf } from "../../gateway/fan-out/stream-target.ts";
import { startHeartbeats } from "../../gateway/streams/heartbeats.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { pubSubChannel } from "../../kernel/streams/redis-keys.ts";
import { createStreamReader, type StreamReader } from "../../kernel/streams/stream-reader.ts";
import type { TestClient } from "../support/client.ts";
import { message, messages } from "../support/messages.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { type InProcessGateway, startInProcess } from "./in-process.ts";

/** Redis cannot be read for this market while it is broken. */
const BROKEN = "broken";

let redis: TestRedis;
let gateway: InProcessGateway;
let publisher: Publisher;
/** Writes entries and may not publish them over Pub/Sub, which leaves a gap. */
let mute: Publisher;
let isBroken = false;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  redis = await startTestRedis("a single Redis");
  publisher = redis.addPublisher();
  await redis.commands.call("ACL", "SETUSER", "mute", "on", ">mute", "~*", "&*", "+@all", "-spublish");
  const login = { RT_REDIS_USERNAME: "mute", RT_REDIS_PASSWORD: "mute" };
  const connection = connectPublisher(
    parseEnvironment(redisEnvironment, { ...redis.environment, ...login }),
    () => undefined,
  );
  ends.push(() => connection.disconnect());
  mute = createPublisher(connection);
  const reader = createStreamReader(redis.commands);
  const failing: Partial<StreamReader> = {
    newest: async (stream, count) => {
      if (isBroken && stream.key === BROKEN) throw new Error("no answer");
      return reader.newest(stream, count);
    },
    after: async (stream, id, count) => {
      if (isBroken && stream.key === BROKEN) throw new Error("no answer");
      return reader.after(stream, id, count);
    },
  };
  gateway = await startInProcess(redis, { windowMs: 10, reader: failing });
});
afterAll(async () => {
  for (const end of ends) end();
  await gateway.stop();
  await redis.stop();
});

/** Returns true if the gateway is subscribed to the topic's room in Redis. */
async function isSubscribed(topic: Topic): Promise<boolean> {
  const answer = await redis.commands.call("PUBSUB", "SHARDNUMSUB", pubSubChannel(roomName(topic)));
  return Array.isArray(answer) && answer[1] === 1;
}

const openKeys = (): (string | undefined)[] => [...gateway.hub.states].map(({ stream }) => stream.key).toSorted();

describe("a topic whose last subscriber has left", () => {
  it("is unsubscribed in Redis and released after a delay, unless it has another or a new subscriber", async () => {
    const topic = (key: string): Topic => ({ channel: "market:trades", key });
    const [left, shared, resumed] = [topic("left"), topic("shared"), topic("resumed")];
    const open = async (each: Topic) => {
      const lease = gateway.hub.open(each);
      await lease.opening;
      return lease;
    };
    const leases = [await open(shared), await open(resumed), await open(left)];
    const others = [await open(shared)];
    expect(await gateway.count("rooms")).toBe(3);
    expect(openKeys()).toEqual(["left", "resumed", "shared"]);

    for (const lease of leases) lease.release();
    others.push(await open(resumed));
    expect(await isSubscribed(left)).toBe(true);

    await expect.poll(() => isSubscribed(left)).toBe(false);
    expect(await isSubscribed(shared)).toBe(true);
    expect(await isSubscribed(resumed)).toBe(true);
    expect(await gateway.count("rooms")).toBe(2);
    expect(openKeys()).toEqual(["resumed", "shared"]);

    for (const lease of others) lease.release();
    await expect.poll(() => gateway.count("rooms")).toBe(0);
    expect(openKeys()).toEqual([]);
  });

  it("leaves the streams that another room needs", async () => {
    await publisher.publish([message("market:prices", "kept", 1), message("market:prices", "dropped", 1)]);
    const [channel, stream] = [{ channel: "market:prices" }, { channel: "market:prices", key: "kept" }] as const;
    const leases = [gateway.hub.open(channel), gateway.hub.open(stream)] as const;
    await Promise.all(leases.map(({ opening }) => opening));
    expect(openKeys()).toEqual(["dropped", "kept"]);

    leases[0].release();
    await expect.poll(() => isSubscribed(channel)).toBe(false);
    expect(openKeys()).toEqual(["kept"]);

    leases[1].release();
    await expect.poll(openKeys).toEqual([]);
  });

  it("is released when its connection ends", async () => {
    const { client } = await gateway.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "closed" });
    client.socket.emit("subscribe", { channel: "market:trades", marketId: "closing" });
    await expect.poll(() => gateway.count("rooms")).toBe(2);
    client.close();
    await expect.poll(() => gateway.count("connections")).toBe(0);
    await expect.poll(() => gateway.count("rooms")).toBe(0);
  });
});

describe("a stream that cannot be read", () => {
  it("is reported, and the others are repaired, checked and have heartbeats", async () => {
    const { client } = await gateway.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: [BROKEN, "whole"] });
    for (const key of [BROKEN, "whole"]) await mute.publish([message("market:trades", key, 1)]).catch(() => undefined);
    isBroken = true;
    try {
      await gateway.hub.repairAll();
      expect(gateway.failures).toEqual(["read"]);
      await expect.poll(() => client.of("market:trades").map(({ marketId }) => marketId)).toEqual(["whole"]);
      expect(await gateway.count("messages", { channel: "market:trades", source: "repair" })).toBe(1);
      expect(await gateway.count("gaps", { channel: "market:trades", result: "filled" })).toBe(1);

      const { hub, fanOut, pubSub } = gateway;
      const heartbeats = startHeartbeats({ hub, fanOut, pubSub, intervalMs: 20, onError: () => undefined });
      ends.push(() => heartbeats.stop());
      await expect.poll(() => client.heartbeats.length).toBeGreaterThan(3);
      expect(new Set(client.heartbeats.map(({ marketId }) => marketId))).toEqual(new Set(["whole"]));

      isBroken = false;
      await expect.poll(() => client.heartbeats.map(({ marketId }) => marketId)).toContain(BROKEN);
      expect(client.of("market:trades").map(({ marketId }) => marketId)).toEqual(["whole", BROKEN]);
      heartbeats.stop();
    } finally {
      isBroken = false;
      gateway.failures.length = 0;
    }
  });
});

/** Returns the ids that heartbeats named for a market before the client had been sent their messages. */
function idsBeforeTheirMessages({ events }: TestClient, key: string): string[] {
  const sent = new Set(["0-0"]);
  return events.flatMap(({ name, value }) => {
    const { id, ids, marketId } = Object(value) as { id: string; ids?: Record<string, string>; marketId?: string };
    if (name === "data" && marketId === key) sent.add(id);
    const named = marketId === key ? id : ids?.[key];
    return name === "heartbeat" && named !== undefined && !sent.has(named) ? [named] : [];
  });
}

describe("heartbeats", () => {
  it("name no id that is still queued for the client, however fast the values change", async () => {
    const clients = await Promise.all(
      [{ marketId: "fast" }, {}].map(async (request) => {
        const { client } = await gateway.connect();
        await client.ask("subscribe", { channel: "market:prices", ...request });
        return client;
      }),
    );
    const { hub, fanOut, pubSub } = gateway;
    const heartbeats = startHeartbeats({ hub, fanOut, pubSub, intervalMs: 5, onError: () => undefined });
    ends.push(() => heartbeats.stop());

    for (let number = 1; number <= 300; number += 1)
      await publisher.publish([message("market:prices", "fast", number)]);
    await expect.poll(() => Math.min(...clients.map((client) => client.heartbeats.length))).toBeGreaterThan(20);
    heartbeats.stop();

    expect(clients.map((client) => idsBeforeTheirMessages(client, "fast"))).toEqual([[], []]);
  });

  it("follow the value that they name, also if a newer one comes in the same turn", async () => {
    const stream = { channel: "market:prices", key: "turn" } as const;
    const { client } = await gateway.connect();
    await client.ask("subscribe", { channel: stream.channel, marketId: stream.key });
    const value = (number: number, prev: string) =>
      ({
        ...message(stream.channel, stream.key, number),
        marketId: stream.key,
        id: `${number}-0`,
        prev,
      }) as unknown as Entry;

    gateway.fanOut.send(targetOf(stream), dataOf(stream, value(1, "0-0")));
    const heartbeat = { channel: stream.channel, marketId: stream.key, id: "1-0" };
    const replaces = `heartbeat of ${roomName(stream)}`;
    gateway.fanOut.send({ room: roomName(stream) }, { event: "heartbeat", message: heartbeat, replaces });
    gateway.fanOut.send(targetOf(stream), dataOf(stream, value(2, "1-0")));

    await expect.poll(() => client.ids("market:prices")).toContain("2-0");
    expect(client.heartbeats.map(({ id }) => id)).toContain("1-0");
    expect(idsBeforeTheirMessages(client, "turn")).toEqual([]);
  });
});

describe("the counters of a gateway", () => {
  it("count each message once by its source, and each connection", async () => {
    const before = await gateway.count("messages", { channel: "market:trades", source: "live" });
    const [first, second] = [await gateway.connect(), await gateway.connect()];
    const open = await gateway.count("connections");
    for (const { client } of [first, second])
      await client.ask("subscribe", { channel: "market:trades", marketId: "counted" });
    await publisher.publish(messages("market:trades", "counted", 7));
    for (const { client } of [first, second]) await client.waitForMessages("market:trades", 7);
    expect(await gateway.count("messages", { channel: "market:trades", source: "live" })).toBe(before + 7);

    first.client.close();
    await expect.poll(() => gateway.count("connections")).toBe(open - 1);
  });
});

describe("the flood guard", () => {
  const flood = (count: number) => async () => {
    const { client } = await gateway.connect();
    for (let number = 0; number < count; number += 1) client.socket.emit("unknown", "x".repeat(900_000));
    return client;
  };

  it("terminates a connection that sends more than the limit, counts it, and leaves the others", async () => {
    const [below, above] = await Promise.all([flood(3)(), flood(6)()]);
    await expect.poll(() => above.socket.connected).toBe(false);
    expect(await gateway.count("connectionsRefused", { code: "rate_limited" })).toBe(1);
    expect(await below.ask("subscribe", { channel: "monitor:signals" })).toMatchObject({ id: "0-0" });
  });
});
