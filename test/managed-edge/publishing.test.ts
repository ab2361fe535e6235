import { afterAll, afterEach, expect, it } from "vitest";
import type { QueuedHint } from "../../kernel/streams/edge-hint.ts";
import { createPublisher, PublishError } from "../../kernel/streams/publisher.ts";
import { edgeMarkerKey } from "../../kernel/streams/redis-keys.ts";
import { message, messages } from "../support/messages.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../support/redis.ts";

const kinds = await Promise.all(redisKinds.map(async (kind) => ({ kind, redis: await startTestRedis(kind) })));
afterAll(() => Promise.all(kinds.map(({ redis }) => redis.stop())));

let enqueued: QueuedHint[] = [];
let failures = 0;
afterEach(() => {
  enqueued = [];
  failures = 0;
});

const publisherOn = (redis: TestRedis) =>
  createPublisher(redis.addPublisherConnection(), {
    enqueueHints: async (hints) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error("the queue is away");
      }
      enqueued.push(...hints);
    },
  });

const mark = (redis: TestRedis, room: string) => redis.commands.set(edgeMarkerKey(room), "1", "EX", 60);

it.each(kinds)(
  "enqueues hints only for rooms that may have subscribers on the managed edge ($kind)",
  async ({ redis }) => {
    const publisher = publisherOn(redis);
    await mark(redis, "{market:trades}:watched");
    await mark(redis, "{market:orderbook}");
    await mark(redis, "{user:orders:subscriber}");
    await publisher.publish([
      message("market:trades", "watched", 1),
      message("market:trades", "unwatched", 1),
      message("market:orderbook", "any", 1),
      message("user:orders", "subscriber", 1),
      message("user:orders", "stranger", 1),
      message("monitor:signals", undefined, 1),
    ]);
    expect(enqueued.map(({ hint }) => [hint.channel, hint.key])).toEqual([
      ["market:trades", "watched"],
      ["market:orderbook", "any"],
      ["user:orders", "subscriber"],
    ]);
  },
);

it.each(kinds)("enqueues one hint for the messages of one stream ($kind)", async ({ redis }) => {
  const publisher = publisherOn(redis);
  await mark(redis, "{market:trades}:batch");
  await mark(redis, "{market:prices}:batch");
  await publisher.publish([...messages("market:trades", "batch", 5), ...messages("market:prices", "batch", 2)]);
  expect(enqueued.map(({ hint }) => hint)).toEqual([
    { channel: "market:trades", key: "batch" },
    { channel: "market:prices", key: "batch" },
  ]);
});

it.each(kinds)(
  "fails where the queue does, and a retry enqueues the hint without publishing again ($kind)",
  async ({ redis }) => {
    const publisher = publisherOn(redis);
    await mark(redis, "{user:orders:retried}");
    const batch = [message("user:orders", "retried", 1), message("user:orders", "elsewhere", 1)];
    failures = 1;
    const error: unknown = await publisher.publish(batch).catch((reason: unknown) => reason);
    if (!(error instanceof PublishError)) throw new Error("it was published");
    expect(error.outcomes.map(({ status }) => status)).toEqual(["failed", "published"]);
    expect(enqueued).toEqual([]);

    expect((await publisher.publish(batch)).map(({ status }) => status)).toEqual(["duplicate", "duplicate"]);
    expect(enqueued.map(({ hint }) => hint)).toEqual([{ channel: "user:orders", key: "retried" }]);
  },
);

it.each(kinds)("enqueues nothing without a managed edge ($kind)", async ({ redis }) => {
  await mark(redis, "{monitor:signals}");
  expect(await redis.addPublisher().publish([message("monitor:signals", undefined, 99)])).toMatchObject([
    { status: "published" },
  ]);
  expect(enqueued).toEqual([]);
});
