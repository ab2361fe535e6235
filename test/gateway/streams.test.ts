import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Stream } from "../../contract/stream.ts";
import { createMetrics } from "../../gateway/metrics.ts";
import { RedisClock } from "../../gateway/redis/redis-clock.ts";
import { ShardedPubSub } from "../../gateway/redis/sharded-pub-sub.ts";
import { EntryStream } from "../../gateway/streams/entry-stream.ts";
import { StreamHub } from "../../gateway/streams/stream-hub.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { indexKey } from "../../kernel/streams/redis-keys.ts";
import { readState } from "../../kernel/streams/stored-state.ts";
import { createStreamReader, type StreamReader } from "../../kernel/streams/stream-reader.ts";
import { messages } from "../support/messages.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

/** The parts of the gateway that read streams, without sockets, on a real Redis. */
let redis: TestRedis;
let reader: StreamReader;
beforeAll(async () => {
  redis = await startTestRedis("a single Redis");
  reader = createStreamReader(redis.commands);
});
afterAll(() => redis.stop());
afterEach(() => {
  vi.restoreAllMocks();
});

const onError = (error: unknown): void => {
  throw error;
};

async function publish(channel: "user:orders" | "market:trades", key: string, count: number, first = 1) {
  const outcomes = await redis.addPublisher().publish(messages(channel, key, count, first));
  return outcomes.map((outcome) => (outcome.status === "published" ? outcome.id : outcome.status));
}

function openHub(): StreamHub {
  const pubSub = new ShardedPubSub({ subscriber: redis.addSubscriber(), onError });
  const clock = new RedisClock();
  clock.sample("the only one", [Math.floor(Date.now() / 1_000), 0]);
  return new StreamHub({
    ...{ pubSub, clock, reader, metrics: createMetrics(), onError, wholeValueRate: 4 },
    readState: (stream) => readState(redis.commands, stream),
    send: () => undefined,
  });
}

async function calls(command: string): Promise<number> {
  const info = String(await redis.commands.call("INFO", "commandstats"));
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(info)?.[1] ?? 0);
}

describe("the streams of a gateway", () => {
  it("are read a few times, however many clients come back at once", async () => {
    const stream: Stream = { channel: "market:trades", key: "storm" };
    const ids = await publish("market:trades", "storm", 250);
    await redis.commands.call("CONFIG", "RESETSTAT");
    const hub = openHub();
    const comeBack = async (): Promise<number> => {
      await hub.open(stream).opening;
      const view = hub.stateOf(stream)?.view({});
      if (!view) throw new Error("the stream is not open");
      if (!view.reaches(ids[9] ?? "")) await view.loadHistory();
      return view.resume(ids[9] ?? "")?.entries.length ?? 0;
    };

    const missed = await Promise.all(Array.from({ length: 10_000 }, comeBack));

    expect(new Set(missed)).toEqual(new Set([240]));
    expect(await calls("ssubscribe")).toBe(1);
    // The newest entries, and the whole history.
    expect((await calls("xrevrange")) + (await calls("xrange"))).toBe(2);
  });
});

describe("a gap", () => {
  it("counts as one also behind an entry that came while Redis was being read", async () => {
    const stream: Stream = { channel: "user:orders", key: "behind" };
    const gate = Promise.withResolvers<void>();
    const slow: StreamReader = { ...reader, after: (...values) => gate.promise.then(() => reader.after(...values)) };
    const delivered: string[] = [];
    const holes: string[] = [];
    const deliver = ({ id }: Entry): void => void delivered.push(id);
    const state = new EntryStream({ stream, reader: slow, deliver, onGap: (result) => holes.push(result), onError });
    await state.load();

    const repair = state.repair();
    const ids = await publish("user:orders", "behind", 2);
    const [heard] = await reader.newest(stream, 2);
    if (heard) state.receive(heard);
    gate.resolve();
    await repair;

    expect(delivered).toEqual(ids);
    expect(holes).toEqual(["filled"]);
  });
});

describe("the memory of a stream", () => {
  it("gives up the history that a resume asked for, also where nothing follows", async () => {
    const stream: Stream = { channel: "user:orders", key: "idle" };
    const [first = ""] = await publish("user:orders", "idle", 200);
    const state = new EntryStream({ stream, reader, deliver: onError, onGap: onError, onError });
    await state.load();
    await state.loadHistory();
    expect(state.resume(first)?.entries).toHaveLength(199);

    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
    await state.check();

    expect(state.resume(first)).toBeUndefined();
    expect(state.resume(state.lastId)).toEqual({ entries: [], recovered: true });
  });
});

describe("a whole channel of 130,000 markets", () => {
  it("is opened and checked against the index", { timeout: 600_000 }, async () => {
    // In parts: one script of all of them may take longer than a command is waited for.
    const fill = "for i = ARGV[2], ARGV[2] + 999 do redis.call('ZADD', KEYS[1], ARGV[1], 'market-' .. i) end";
    for (let first = 1; first <= 131_000; first += 1_000) {
      await redis.commands.eval(fill, 1, indexKey("market:prices"), Date.now(), first);
    }
    const hub = openHub();
    await hub.open({ channel: "market:prices" }).opening;
    expect([...hub.states]).toHaveLength(131_000);

    await expect(hub.checkIndexes()).resolves.toBeUndefined();
  });
});
