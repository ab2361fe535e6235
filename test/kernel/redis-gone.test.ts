import { afterEach, expect, it } from "vitest";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, PublishError } from "../../kernel/streams/publisher.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { startRedis } from "../../local/redis.ts";
import { messages } from "../support/messages.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start() {
  const redis = await startRedis();
  cleanUps.push(() => redis.stop());
  const config = parseEnvironment(redisEnvironment, { RT_REDIS_URL: redis.url });
  const connection = connectPublisher(config, () => undefined);
  cleanUps.push(() => connection.disconnect());
  return { redis, connection, publisher: createPublisher(connection) };
}

it("fails with PublishError while Redis is gone, and publishes once it is back", async () => {
  const { redis, publisher } = await start();
  const [first, second] = [messages("market:trades", "gone", 5), messages("market:trades", "gone", 5, 6)];
  await publisher.publish(first);
  await redis.stop();
  await expect(publisher.publish(second)).rejects.toThrow(PublishError);
  const again = await startRedis({ port: redis.port });
  cleanUps.push(() => again.stop());
  await expect
    .poll(() =>
      publisher.publish(second).then(
        (outcomes) => outcomes.length,
        () => 0,
      ),
    )
    .toBe(5);
});

it("sends nothing twice where an answer was lost and the caller retries", async () => {
  const { redis, connection, publisher } = await start();
  const batch = messages("market:trades", "frozen", 30);
  await publisher.publish(batch.slice(0, 10));
  redis.process.kill("SIGSTOP");
  const failed = publisher.publish(batch).catch((error: unknown) => error);
  expect(await failed).toBeInstanceOf(PublishError);
  redis.process.kill("SIGCONT");
  await expect
    .poll(() =>
      publisher.publish(batch).then(
        (outcomes) => outcomes.length,
        () => 0,
      ),
    )
    .toBe(30);
  expect(await connection.xlen(streamKey({ channel: "market:trades", key: "frozen" }))).toBe(30);
});

it("fails with PublishError where there is no cluster, and does not wait for one", async () => {
  const variables = { RT_REDIS_URL: "redis://127.0.0.1:9", RT_REDIS_CLUSTER: "true" };
  const connection = connectPublisher(parseEnvironment(redisEnvironment, variables), () => undefined);
  cleanUps.push(() => connection.disconnect());
  await expect(createPublisher(connection).publish(messages("market:trades", "gone", 1))).rejects.toThrow(PublishError);
});
