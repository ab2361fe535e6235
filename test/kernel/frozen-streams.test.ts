import { Gauge, Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Channel } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { watchFrozenStreams } from "../../gateway/streams/frozen-streams.ts";
import { inspectStream } from "../../kernel/operations/stream-operations.ts";
import { createPublisher, type Publisher, type StaleMessage } from "../../kernel/streams/publisher.ts";
import { frozenKey, staleSinceKey } from "../../kernel/streams/redis-keys.ts";
import { createStaleLog } from "../../kernel/streams/stale-log.ts";
import { message } from "../support/messages.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../support/redis.ts";

const staleMessage = (key: string, staleForMs = 0): StaleMessage => ({
  ...{ stream: { channel: "market:prices", key }, status: "stale", version: 1, heldVersion: 2 },
  ...{ staleSince: 3, staleForMs },
});

describe.each(redisKinds)("a stream that gets nothing but older states, on %s", (kind) => {
  let redis: TestRedis;
  let publisher: Publisher;
  let reported: StaleMessage[] = [];
  const gauge = new Gauge({ name: "frozen", help: "-", labelNames: ["channel"], registers: [new Registry()] });
  let watch: { stop(): void };
  beforeAll(async () => {
    redis = await startTestRedis(kind);
    const listener = { stale: (message: StaleMessage) => void reported.push(message) };
    publisher = createPublisher(redis.addPublisherConnection(), { listener });
    const onError = (error: unknown) => {
      throw error;
    };
    watch = watchFrozenStreams({ redis: redis.commands, gauge, intervalMs: 50, onError });
  });
  beforeEach(() => {
    reported = [];
  });
  afterAll(async () => {
    watch.stop();
    await redis.stop();
  });

  const publish = (channel: Channel, key: string, number: number): Promise<unknown> => {
    const { data, ...given } = message(channel, key, number);
    const one = "id" in data ? { id: "one" } : {};
    return publisher.publish([{ ...given, data: { ...data, ...one } } as ChannelMessage]);
  };

  /** As if the run had begun that long ago: nobody waits for it here. */
  const backdate = (channel: Channel, key: string, name: string, milliseconds: number) =>
    redis.commands.zadd(staleSinceKey({ channel, key }), "XX", Date.now() - milliseconds, name);

  const counted = async (channel: Channel): Promise<number | undefined> =>
    (await gauge.get()).values.find(({ labels }) => labels.channel === channel)?.value;

  it("is reported with both versions and since when, by stream and order", async () => {
    await publish("user:orders", "reported", 2);
    await publish("user:orders", "reported", 1);
    await publish("user:orders", "reported", 1);
    const [first, second] = reported;
    expect(first).toMatchObject({ stream: { channel: "user:orders", key: "reported" }, entity: "one", staleForMs: 0 });
    expect(first?.heldVersion).toBe((first?.version ?? 0) + 1);
    expect(second?.staleSince).toBe(first?.staleSince);
    expect(Math.abs((first?.staleSince ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it.each([
    ["market:prices", "frozen-price", "frozen-price"],
    ["market:orderbook", "frozen-book", "frozen-book"],
  ] as const)("is frozen on %s after 30 s of it, and no longer once one is accepted", async (channel, key, name) => {
    await publish(channel, key, 5);
    await publish(channel, key, 4);
    await backdate(channel, key, name, 29_000);
    await publish(channel, key, 3);
    expect(await redis.commands.zcard(frozenKey({ channel, key }))).toBe(0);

    await backdate(channel, key, name, 31_000);
    await publish(channel, key, 4);
    expect(reported.at(-1)?.staleForMs).toBeGreaterThanOrEqual(31_000);
    await expect.poll(() => counted(channel)).toBe(1);
    expect((await inspectStream(redis.commands, { channel, key })).stale).toMatchObject([
      { name: key, isFrozen: true },
    ]);

    await publish(channel, key, 6);
    await expect.poll(() => counted(channel)).toBe(0);
    expect(await redis.commands.exists(staleSinceKey({ channel, key }))).toBe(0);
  });

  it("is not frozen where no events come any more", async () => {
    const [channel, key] = ["market:prices", "quiet"] as const;
    await redis.commands.zadd(frozenKey({ channel, key }), Date.now() - 61_000, key, Date.now() - 1_000, "busy");
    await expect.poll(() => counted(channel)).toBe(1);
    await redis.commands.del(frozenKey({ channel, key }));
  });

  it.each([
    ["user:orders", "one"],
    ["user:copy-trade", "one"],
    ["user:portfolio", "private"],
  ] as const)("on %s is marked by what it is the state of", async (channel, name) => {
    await publish(channel, "private", 5);
    await publish(channel, "private", 4);
    await backdate(channel, "private", name, 31_000);
    await publish(channel, "private", 4);
    const frozen = frozenKey({ channel, key: "private" });
    expect(await redis.commands.zrange(frozen, "0", "-1")).toEqual([name]);
    expect(await redis.commands.ttl(frozen)).toBeLessThanOrEqual(120);
    await publish(channel, "private", 6);
    expect(await redis.commands.exists(frozen)).toBe(0);
  });
});

describe("the log of stale messages", () => {
  afterEach(() => vi.useRealTimers());

  it("has one line a minute for a stream, which says how many it stands for", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const lines: [string, Readonly<Record<string, unknown>>][] = [];
    const log = createStaleLog((...line) => lines.push(line));
    for (let number = 0; number < 5; number += 1) log.stale(staleMessage("a"));
    log.stale(staleMessage("b"));
    vi.advanceTimersByTime(59_000);
    log.stale(staleMessage("a"));
    expect(lines.map(([, { stream, count }]) => [stream, count])).toEqual([
      ["market:prices a", 1],
      ["market:prices b", 1],
    ]);
    vi.advanceTimersByTime(1_000);
    log.stale(staleMessage("a"));
    expect(lines.at(-1)).toEqual([
      "older state not published",
      expect.objectContaining({ stream: "market:prices a", version: 1, heldVersion: 2, count: 6 }),
    ]);
  });

  it("remembers a bounded number of streams", () => {
    let lines = 0;
    const log = createStaleLog(() => {
      lines += 1;
    });
    for (let number = 0; number < 1_001; number += 1) log.stale(staleMessage(`m${number}`));
    // The first was forgotten for the last; the second is still known.
    log.stale(staleMessage("m0"));
    log.stale(staleMessage("m1000"));
    expect(lines).toBe(1_002);
  });
});
