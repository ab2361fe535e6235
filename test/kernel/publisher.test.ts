import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Channel, channelNames, channels } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { createPublisher, PublishError, type PublishOutcome } from "../../kernel/streams/publisher.ts";
import { indexKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { message, messages, toMessage } from "../support/messages.ts";
import { redisKinds } from "../support/redis.ts";
import { useTestRedis } from "../support/suite-redis.ts";

const keyOf = (channel: Channel): string | undefined => (channels[channel].key === "none" ? undefined : "one");

const idsOf = (outcomes: readonly PublishOutcome[]): string[] =>
  outcomes.map((outcome) => (outcome.status === "published" ? outcome.id : outcome.status));

describe.each(redisKinds)("publishing on %s", (kind) => {
  const suite = useTestRedis(kind);

  const entries = (channel: Channel, key?: string) =>
    suite.redis.commands.xrange(streamKey({ channel, key }), "-", "+");

  it.each(channelNames)("%s: ids increase and every prev is the previous id", async (channel) => {
    const key = keyOf(channel);
    const first = idsOf(await suite.publisher.publish(messages(channel, key, 3)));
    const second = idsOf(await suite.publisher.publish(messages(channel, key, 3, 4)));
    const held = await entries(channel, key);
    const ids = [...first, ...second].slice(-channels[channel].history.entries);
    expect(held.map(([id]) => id)).toEqual(ids);
    expect(held.at(-1)?.[1].slice(2, 4)).toEqual(["p", second[1]]);
    expect(new Set([...first, ...second]).size).toBe(6);
  });

  it.each(channelNames)("%s: keeps as many entries, and for as long, as the contract says", async (channel) => {
    const { entries: kept, seconds } = channels[channel].history;
    const key = channels[channel].key === "none" ? undefined : "bounded";
    await suite.publisher.publish(messages(channel, key, kept + 25, 1_000));
    const stream = streamKey({ channel, key });
    expect(await suite.redis.commands.xlen(stream)).toBe(kept);
    const lifetime = await suite.redis.commands.ttl(stream);
    expect(lifetime).toBeGreaterThan(seconds - 60);
    expect(lifetime).toBeLessThanOrEqual(seconds);
  });

  it("publishes an event once, however many publishers send it at the same time", async () => {
    const batch = messages("market:trades", "race", 40);
    const publishers = [suite.publisher, ...Array.from({ length: 4 }, () => suite.redis.addPublisher())];
    const outcomes = await Promise.all(publishers.map((each) => each.publish(batch)));
    expect(outcomes.flat().filter(({ status }) => status === "published")).toHaveLength(40);
    expect(outcomes.flat().filter(({ status }) => status === "duplicate")).toHaveLength(160);
    expect(await entries("market:trades", "race")).toHaveLength(40);
  });

  it("passes the body on unchanged: subscribers get what the stream holds", async () => {
    const key = 'm{a}:"q"%#é🚀';
    const stream = { channel: "market:trades", key } as const;
    const tradeMessage = { ...message("market:trades", key, 7), event: 'ev"ent\n' } as ChannelMessage;
    const subscriber = suite.redis.addSubscriber();
    const received: string[] = [];
    subscriber.on("smessage", (_channel: string, text: string) => received.push(text));
    const room = "{market:trades}:m%7Ba%7D%3A%22q%22%25%23%C3%A9%F0%9F%9A%80";
    await subscriber.ssubscribe(`socket.io#/ws#${room}#`);
    const [id] = idsOf(await suite.publisher.publish([tradeMessage]));
    await expect.poll(() => received).toHaveLength(1);
    const { channel, event, data } = tradeMessage;
    const expected = { channel, marketId: key, event, data, id, prev: "0-0" };
    expect(JSON.parse(received[0] ?? "")).toMatchObject({
      nsp: "/ws",
      type: 3,
      data: { opts: { rooms: [room], except: ["{market:trades}"] }, packet: { type: 2, data: ["data", expected] } },
    });
    const [[, fields] = ["", []]] = await entries(stream.channel, key);
    expect(JSON.parse(`${fields[1]}}`)).toEqual({ channel, marketId: key, event, data });
  });

  it("tells its listener of suspicious data that it published, as the event had it, and of no other", async () => {
    const told: unknown[] = [];
    const listener = { suspicious: (...values: unknown[]) => void told.push(values) };
    const listening = createPublisher(suite.redis.addPublisherConnection(), { listener });
    const time = Date.now();
    const none = { bids: [], asks: [] };
    const yes = { bids: [["0.6", "1"]] as const, asks: [["0.5", "1"] as const, ["0.50", "2"] as const] };
    const book = toMessage(
      {
        ...{ Source: "vezta.market-data", DetailType: "OrderBookChanged" },
        Detail: { marketId: "suspicious", yes, no: none, time },
      },
      "book-1",
    );
    const sound = message("market:trades", "suspicious", 1);

    await listening.publish([book, sound]);
    await listening.publish([book]);

    const stream = { channel: "market:orderbook", key: "suspicious" };
    expect(told).toEqual([[stream, ["crossed_book", "dropped_levels"]]]);
  });

  it("publishes the valid messages of a batch, and names the one that is not valid with the reason", async () => {
    const bad = { ...message("market:trades", "batch-b", 2), data: { marketId: "batch-b", price: 0.5 } };
    const batch = [
      message("market:trades", "batch-a", 1),
      bad as unknown as ChannelMessage,
      message("market:trades", "batch-b", 3),
      message("user:orders", "batch-user", 1),
    ];
    const error: unknown = await suite.publisher.publish(batch).catch((reason: unknown) => reason);
    if (!(error instanceof PublishError)) throw new Error("it was published");
    expect(error.outcomes.map(({ status }) => status)).toEqual(["published", "failed", "published", "published"]);
    expect(error.message).toContain("1 of 4 messages not published: market:trades: data.");
    expect(await entries("market:trades", "batch-b")).toHaveLength(1);
    expect(
      (await suite.publisher.publish([batch[0], batch[2]] as ChannelMessage[])).map(({ status }) => status),
    ).toEqual(["duplicate", "duplicate"]);
  });

  it("publishes no message of a stream after one that failed, and a retry publishes the rest in order", async () => {
    const connection = suite.redis.addPublisherConnection();
    const failing = createPublisher(connection);
    const call: unknown = Reflect.get(connection, "publishMessages");
    if (typeof call !== "function") throw new Error("the publisher has defined no script");
    let calls = 0;
    // Redis itself, but for the second call of the script.
    Object.assign(connection, {
      publishMessages(...values: readonly unknown[]) {
        calls += 1;
        if (calls === 2) return Promise.reject(new Error("connection lost"));
        return Reflect.apply(call, connection, values);
      },
    });
    const batch = messages("user:notifications", "chunks", 250);

    const error: unknown = await failing.publish(batch).catch((reason: unknown) => reason);

    if (!(error instanceof PublishError)) throw new Error("it was published");
    const statuses = error.outcomes.map(({ status }) => status);
    expect(statuses).toEqual([...Array(100).fill("published"), ...Array(150).fill("failed")]);
    expect(error.message).toBe("150 of 250 messages not published: connection lost");
    expect(await entries("user:notifications", "chunks")).toHaveLength(100);

    const retried = (await failing.publish(batch)).map(({ status }) => status);
    expect(retried).toEqual([...Array(100).fill("duplicate"), ...Array(150).fill("published")]);
    const held = await entries("user:notifications", "chunks");
    const numbers = held.map(([, fields]) => JSON.parse(`${fields[1]}}`).data.time);
    expect(numbers).toEqual(batch.map(({ data }) => data.time));
  });

  it("keeps the list of active markets, and removes those whose stream has expired", async () => {
    const index = indexKey("market:orderbook");
    const channel = "market:orderbook";
    await suite.publisher.publish(["x", "y"].map((market) => message(channel, `active-${market}`, 1)));
    // The second has the score of a forged id, which would keep it in the index.
    await suite.redis.commands.zadd(index, 1, "long-gone", 4_000_000_000_000, "long-ahead");
    await suite.publisher.publish([message(channel, "active-z", 1)]);
    const active = await suite.redis.commands.zrange(index, "0", "-1");
    expect(active).toEqual(expect.arrayContaining(["active-x", "active-y", "active-z"]));
    expect(active).not.toContain("long-gone");
    expect(active).not.toContain("long-ahead");
  });

  it("refuses a message that is not valid, naming the field", async () => {
    const valid = message("market:prices", "fields", 1);
    const cases: [Record<string, unknown>, string][] = [
      [{ channel: "market:nothing" }, "channel: there is no channel of that name"],
      [{ key: undefined }, "key: channel market:prices needs a marketId"],
      [{ key: "other" }, 'key: is "other"'],
      [{ eventId: "" }, "eventId:"],
      [{ eventId: randomUUID().repeat(20) }, "eventId:"],
      [{ key: "\ud800" }, "key:"],
      [{ data: null }, "data:"],
    ];
    for (const [change, text] of cases) {
      const changed = { ...valid, ...change } as unknown as ChannelMessage;
      await expect(suite.publisher.publish([changed])).rejects.toThrow(text);
    }
    expect(await entries("market:prices", "fields")).toEqual([]);
  });
});
