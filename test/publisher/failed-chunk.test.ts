import { afterAll, beforeAll, expect, it } from "vitest";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { guardKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { createPublisher, PublishError, type Publisher } from "../../publisher/index.ts";
import { message, timeOf } from "../support/messages.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

/** As many as one call of the publish script takes. */
const CHUNK = 100;

const STREAM = { channel: "user:orders", key: "chunks" } as const;

let redis: TestRedis;
let publisher: Publisher;
beforeAll(async () => {
  redis = await startTestRedis("a single Redis");
  publisher = createPublisher({ redis: String(redis.environment.RT_REDIS_URL), logger: { warn: () => undefined } });
});
afterAll(async () => {
  await publisher.close();
  await redis.stop();
});

/** One state of each of as many orders as a chunk has. */
const chunkOf = (orders: string, number: number): ChannelMessage[] =>
  Array.from({ length: CHUNK }, (_, index) => {
    const { data, ...rest } = message(STREAM.channel, STREAM.key, number);
    return { ...rest, data: { ...data, id: `${orders}${index}` } } as ChannelMessage;
  });

const timesInStream = async (): Promise<number[]> => {
  const entries = await redis.commands.xrange(streamKey(STREAM), "-", "+");
  return entries.map(([, fields]) => JSON.parse(`${fields[1]}}`).data.time);
};

it("a publisher stops at a failed chunk, so that the retry publishes the rest in order", async () => {
  const batch = [...chunkOf("known", 2), ...chunkOf("unknown", 3), ...chunkOf("known", 4)];
  const held = chunkOf("known", 1).map(({ data }) => ("id" in data ? String(data.id) : ""));
  await redis.commands.hset(guardKey(STREAM, "current"), Object.fromEntries(held.map((id) => [id, timeOf(1)])));
  // Only orders that the newer guard does not know are looked up there: the second chunk fails, the others would not.
  await redis.commands.set(guardKey(STREAM, "previous"), "no hash");

  const error: unknown = await publisher.publish(batch).catch((reason: unknown) => reason);

  if (!(error instanceof PublishError)) throw error;
  expect(error.message).toMatch(/^200 of 300 messages not published: .*WRONGTYPE/);
  expect(error.outcomes.map(({ status }) => status)).toEqual([
    ...Array(CHUNK).fill("published"),
    ...Array(2 * CHUNK).fill("failed"),
  ]);
  expect(await timesInStream()).toEqual(Array(CHUNK).fill(timeOf(2)));

  await redis.commands.del(guardKey(STREAM, "previous"));
  const outcomes = await publisher.publish(batch);
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...Array(CHUNK).fill("duplicate"),
    ...Array(2 * CHUNK).fill("published"),
  ]);
  expect(await timesInStream()).toEqual([2, 3, 4].flatMap((number) => Array(CHUNK).fill(timeOf(number))));
});
