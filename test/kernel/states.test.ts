import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { channels, type Payload } from "../../contract/channels.ts";
import { timeOf } from "../../contract/ids.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import { parseItem } from "../../kernel/streams/entry.ts";
import type { Publisher } from "../../kernel/streams/publisher.ts";
import { stateKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { readState } from "../../kernel/streams/stored-state.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../support/redis.ts";

type Book = Payload<"market:orderbook">;

const start = Date.now() - 60_000;
let time = start;

const level = (price: string, size: string) => ({ price, size });

const book = (marketId: string, bid: string, levels = 8): Book => ({
  marketId,
  yes: {
    bids: [level("0.5", bid), ...Array.from({ length: levels }, (_, index) => level(`0.4${9 - index}`, "10"))],
    asks: [level("0.51", "3")],
  },
  no: { bids: [], asks: [] },
  time: ++time,
});

describe.each(redisKinds)("a state channel, on %s", (kind) => {
  let redis: TestRedis;
  let publisher: Publisher;
  let run = 0;
  let marketId = "";
  const stream = () => ({ channel: "market:orderbook", key: marketId }) as const;

  beforeAll(async () => {
    redis = await startTestRedis(kind);
  });

  beforeEach(() => {
    run += 1;
    marketId = `m-${run}`;
    publisher = redis.addPublisher();
  });

  afterAll(() => redis.stop());

  const publish = async (data: Book, by = publisher) =>
    (await by.publish([{ channel: "market:orderbook", key: marketId, eventId: `e-${++time}`, data }]))[0];

  const entries = async () =>
    (await redis.commands.xrange(streamKey(stream()), "-", "+")).map((item) => parseItem(item));

  it("sends a first value whole, and then what changed", async () => {
    await publish(book(marketId, "1"));
    const next = book(marketId, "2");
    await publish(next);

    const [first, second] = await entries();
    expect(first).toMatchObject({ data: { marketId }, sum: expect.any(Number) });
    expect(second).toMatchObject({
      changes: { head: { time: next.time }, rows: { "yes.bids.0.5": "2" } },
      sum: sumOf(orderBookFormat, next),
    });
    expect((await readState(redis.commands, stream()))?.value).toEqual(next);
  });

  it("takes values that are published at the same time one after the other, each as what changed", async () => {
    await publish(book(marketId, "1"));
    const values = ["2", "3", "4", "5"].map((bid) => book(marketId, bid));
    const outcomes = await Promise.all(values.map((value) => publish(value)));

    expect(outcomes.map((outcome) => outcome?.status)).toEqual(Array(4).fill("published"));
    const rows = (await entries()).map((entry) => entry && "changes" in entry && entry.changes.rows["yes.bids.0.5"]);
    expect(rows).toEqual([false, "2", "3", "4", "5"]);
  });

  it("goes on from the value in Redis where another publisher has published meanwhile", async () => {
    const other = redis.addPublisher();
    await publish(book(marketId, "1"));
    await publish(book(marketId, "2"), other);
    const next = book(marketId, "3");
    await publish(next);

    expect((await entries()).map((entry) => entry && "changes" in entry)).toEqual([false, true, true]);
    expect((await readState(redis.commands, stream()))?.value).toEqual(next);
  });

  it.each([
    ["a changed row", () => redis.commands.hset(stateKey(stream()), "yes.bids.0.5", '12:"7"')],
    ["a removed row", () => redis.commands.hdel(stateKey(stream()), "yes.bids.0.49")],
    [
      "another type",
      async () =>
        redis.commands
          .pipeline([
            ["del", stateKey(stream())],
            ["set", stateKey(stream()), "x"],
          ])
          .exec(),
    ],
    ["an evicted hash", () => redis.commands.del(stateKey(stream()))],
    ["a lost stream", () => redis.commands.del(stateKey(stream()), streamKey(stream()))],
  ])("replaces a damaged value by the next whole one: %s", async (_, damage) => {
    await publish(book(marketId, "1"));
    await damage();
    const next = { ...book(marketId, "2"), yes: { ...book(marketId, "2").yes, asks: [] } };
    await publish(next);
    await publish(book(marketId, "5"), redis.addPublisher());

    const last = book(marketId, "6");
    await publish(last);
    expect((await readState(redis.commands, stream()))?.value).toEqual(last);
  });

  it("applies changes without a base, and refuses them where there is no value or where they follow another one", async () => {
    const change = (base?: string) => ({
      channel: "market:orderbook" as const,
      key: marketId,
      eventId: `e-${++time}`,
      changes: { head: { time: ++time }, rows: { "yes.bids.0.5": "9", "yes.asks.0.51": null } },
      ...(base === undefined ? {} : { base }),
    });
    await expect(publisher.publish([change()])).rejects.toThrow(/no value to change yet: publish the whole value/);
    const outcome = await publish(book(marketId, "1"));
    const id = outcome?.status === "published" ? outcome.id : "";
    await publisher.publish([change(id)]);
    await expect(publisher.publish([change(id)])).rejects.toThrow(/not the one that the changes follow/);
    await publisher.publish([change()]);

    const state = await readState(redis.commands, stream());
    const value = state?.value as Book;
    expect(value.yes.bids[0]).toEqual(level("0.5", "9"));
    expect(value.yes.asks).toEqual([]);
    expect(state?.sum).toBe(sumOf(orderBookFormat, value));
  });

  it("renews the lifetime of the value with each whole one, and by changes once an hour", async () => {
    const LIFETIME = channels["market:orderbook"].history.seconds;
    const hourOf = (id: string) => Math.floor(timeOf(id) / 3_600_000);
    const shorten = () => redis.commands.expire(stateKey(stream()), 60);
    const lifetime = () => redis.commands.ttl(stateKey(stream()));
    const newest = async () =>
      (await redis.commands.xrevrange(streamKey(stream()), "+", "-", "COUNT", 1))[0] ?? ["", []];
    await publish(book(marketId, "1"));
    // Longer than that of the stream, which every entry renews.
    expect(await lifetime()).toBeGreaterThan(LIFETIME);

    let before: string;
    let size = 1;
    do {
      [before] = await newest();
      size += 1;
      await shorten();
      await publish(book(marketId, String(size)));
    } while (hourOf((await newest())[0]) !== hourOf(before));
    expect(await lifetime()).toBeLessThanOrEqual(60);

    const [id, fields] = await newest();
    const old = `${timeOf(id) - 3_600_000}-0`;
    await redis.commands.del(streamKey(stream()));
    await redis.commands.xadd(streamKey(stream()), old, ...fields);
    await redis.commands.hset(stateKey(stream()), "!id", old);
    await publish(book(marketId, "100"), redis.addPublisher());
    expect((await entries()).at(-1)).toHaveProperty("changes");
    expect(await lifetime()).toBeGreaterThan(LIFETIME);

    await shorten();
    await publish(book(marketId, "1", 2));
    expect((await entries()).at(-1)).toHaveProperty("data");
    expect(await lifetime()).toBeGreaterThan(LIFETIME);
  });

  it("refuses changes that would make a value too large to be sent, and goes on with others", async () => {
    await publish(book(marketId, "1"));
    const change = (rows: Record<string, string | null>) => ({
      channel: "market:orderbook" as const,
      key: marketId,
      eventId: `e-${++time}`,
      changes: { head: { time: ++time }, rows },
    });
    const prices = Array.from({ length: 6_000 }, (_, index) => `0.1${String(index).padStart(4, "0")}5`);
    const add = (from: number) =>
      change(Object.fromEntries(prices.slice(from, from + 1_000).map((price) => [`yes.bids.${price}`, "1"])));
    await publisher.publish([add(0)]);
    await expect(
      (async () => {
        for (let from = 1_000; from < 6_000; from += 1_000) await publisher.publish([add(from)]);
      })(),
    ).rejects.toThrow(/more than 120000 bytes as JSON: remove rows first/);
    expect(JSON.stringify((await readState(redis.commands, stream()))?.value).length).toBeLessThan(120_000);
    await publisher.publish([change({ "yes.bids.0.5": null })]);
  });

  it("refuses changes that make a book mirrored, which has no place for rows of the other outcome", async () => {
    const change = (head: object) => ({
      channel: "market:orderbook" as const,
      key: marketId,
      eventId: `e-${++time}`,
      changes: { head: { ...head, time: ++time }, rows: { "yes.bids.0.5": "9" } },
    });
    const state = async () => {
      const { value, sum } = (await readState(redis.commands, stream())) ?? {};
      expect(sum).toBe(sumOf(orderBookFormat, value as Book));
      return value;
    };
    await publish({ ...book(marketId, "1"), no: { bids: [level("0.4", "7")], asks: [] } });
    await expect(publisher.publish([change({ mirrored: true })])).rejects.toThrow(
      /head\.mirrored is new, .*: publish the whole value/,
    );
    const { no: _, ...others } = book(marketId, "1");
    await publish({ ...others, mirrored: true });
    await publisher.publish([change({ mirrored: true })]);
    expect(await state()).toMatchObject({ mirrored: true });
    await publisher.publish([change({})]);
    expect(await state()).toMatchObject({ no: { bids: [], asks: [] } });
  });

  it.each([
    ["a key that no row has", { "yes.bids.1.5": "1" }, /"yes.bids.1.5" is not the key of a row/],
    ["a row of the wrong form", { "yes.bids.0.5": 7 }, /changes\.yes\.bids\.0\.size/],
  ])("refuses %s", async (_, rows, message) => {
    await publish(book(marketId, "1"));
    const changes = { head: { time: ++time }, rows } as never;
    const update = { channel: "market:orderbook", key: marketId, eventId: "wrong", changes } as const;
    await expect(publisher.publish([update])).rejects.toThrow(message);
  });
});
