import { afterAll, afterEach, expect, it } from "vitest";
import type { QueuedHint } from "../../kernel/streams/edge-hint.ts";
import { createPublisher, PublishError } from "../../kernel/streams/publisher.ts";
import { edgeMarkerKey } from "../../kernel/streams/redis-keys.ts";
import { message, messages } from "../support/messages.ts";
import { redisKinds, startTestRedis, type TestRedis } from "../support/redis.ts";

const kinds = await Promise.all(redisKinds.map(async (kind) => ({ kind, redis: await startTestRedis(kind) })));
afterAll(() => Promise.all(kinds.map(({ redis }) => redis.stop())));

let handed: QueuedHint[] = [];
let failures = 0;
afterEach(() => {
  handed = [];
  failures = 0;
});

const publisherOn = (redis: TestRedis) =>
  createPublisher(redis.addPublisherConnection(), {
    enqueueHints: async (hints) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error("the queue does not answer");
      }
      handed.push(...hints);
    },
  });

const mark = (redis: TestRedis, room: string) => redis.commands.set(edgeMarkerKey(room), "1", "EX", 60);

it.each(kinds)("hands on only what may have listeners on the managed edge ($kind)", async ({ redis }) => {
  const publisher = publisherOn(redis);
  await mark(redis, "{market:trades}:watched");
  await mark(redis, "{market:orderbook}");
  await mark(redis, "{user:orders:listener}");
  await publisher.publish([
    message("market:trades", "watched", 1),
    message("market:trades", "unwatched", 1),
    message("market:orderbook", "any", 1),
    message("user:orders", "listener", 1),
    message("user:orders", "stranger", 1),
    message("monitor:signals", undefined, 1),
  ]);
  expect(handed.map(({ hint }) => [hint.channel, hint.key])).toEqual([
    ["market:trades", "watched"],
    ["market:orderbook", "any"],
    ["user:orders", "listener"],
  ]);
});

it.each(kinds)("tells of a batch once ($kind)", async ({ redis }) => {
  const publisher = publisherOn(redis);
  await mark(redis, "{market:trades}:batch");
  await mark(redis, "{market:prices}:batch");
  await publisher.publish([...messages("market:trades", "batch", 5), ...messages("market:prices", "batch", 2)]);
  expect(handed.map(({ hint }) => hint)).toEqual([
    { channel: "market:trades", key: "batch" },
    { channel: "market:prices", key: "batch" },
  ]);
});

it.each(kinds)(
  "fails where the queue does, and a retry tells again without a second publish ($kind)",
  async ({ redis }) => {
    const publisher = publisherOn(redis);
    await mark(redis, "{user:orders:retried}");
    const batch = [message("user:orders", "retried", 1), message("user:orders", "elsewhere", 1)];
    failures = 1;
    const error: unknown = await publisher.publish(batch).catch((reason: unknown) => reason);
    if (!(error instanceof PublishError)) throw new Error("it was taken");
    expect(error.outcomes.map(({ status }) => status)).toEqual(["failed", "published"]);
    expect(handed).toEqual([]);

    expect((await publisher.publish(batch)).map(({ status }) => status)).toEqual(["duplicate", "duplicate"]);
    expect(handed.map(({ hint }) => hint)).toEqual([{ channel: "user:orders", key: "retried" }]);
  },
);

it.each(kinds)("without a managed edge looks at no marker ($kind)", async ({ redis }) => {
  await mark(redis, "{monitor:signals}");
  expect(await redis.addPublisher().publish([message("monitor:signals", undefined, 99)])).toMatchObject([
    { status: "published" },
  ]);
  expect(handed).toEqual([]);
});
