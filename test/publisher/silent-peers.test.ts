import { afterEach, describe, expect, it, vi } from "vitest";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { createEdgeQueue, EdgeQueueError } from "../../kernel/managed-edge/edge-queue.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { RedisSecretError, readRedisPassword } from "../../kernel/redis/redis-secret.ts";
import { createPublisher, PublishError } from "../../kernel/streams/publisher.ts";
import { edgeMarkerKey } from "../../kernel/streams/redis-keys.ts";
import { message } from "../support/messages.ts";
import { startTestRedis } from "../support/redis.ts";
import { startSilentServer } from "../support/silent-server.ts";

/** Ends a wait that has no end of its own. Each of these takes some seconds; the machine may be ten times slower. */
const LIMIT_MS = 200_000;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startSilent(): Promise<string> {
  const server = await startSilentServer();
  cleanUps.push(() => server.stop());
  return `127.0.0.1:${server.port}`;
}

function setCredentials(): void {
  const credentials = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key", AWS_REGION: "x-1" };
  for (const [name, value] of Object.entries(credentials)) vi.stubEnv(name, value);
}

/** Returns the error that a call ends with. */
const failureOf = (call: () => Promise<unknown>): Promise<unknown> =>
  call().then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );

describe("a peer that accepts the connection and never answers", { timeout: LIMIT_MS }, () => {
  it("as SQS: publish() fails, and says that it is the managed edge's queue", async () => {
    setCredentials();
    const redis = await startTestRedis("a single Redis");
    cleanUps.push(() => redis.stop());
    await redis.commands.set(edgeMarkerKey("{user:orders:waiting}"), "1");
    const enqueueHints = await createEdgeQueue(`http://${await startSilent()}/1/news.fifo`);
    const publisher = createPublisher(redis.addPublisherConnection(), { enqueueHints });

    const error = await failureOf(() => publisher.publish([message("user:orders", "waiting", 1)]));

    if (!(error instanceof PublishError)) throw error;
    expect(error.cause).toBeInstanceOf(EdgeQueueError);
    expect(error.message).toMatch(/the managed edge's queue took no hints: .*(Timeout|Abort)/);
  });

  it("as a queue of our own that never settles: publish() fails", async () => {
    const redis = await startTestRedis("a single Redis");
    cleanUps.push(() => redis.stop());
    await redis.commands.set(edgeMarkerKey("{user:orders:never}"), "1");
    const enqueueHints = () => new Promise<void>(() => undefined);
    const publisher = createPublisher(redis.addPublisherConnection(), { enqueueHints });
    const error = await failureOf(() => publisher.publish([message("user:orders", "never", 1)]));
    expect(error).toMatchObject({ name: "PublishError", message: expect.stringMatching(/queue gave no answer/) });
  });

  it("as Secrets Manager: reading the Redis password fails, naming the secret", async () => {
    setCredentials();
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", `http://${await startSilent()}`);
    const arn = "arn:aws:secretsmanager:x-1:111122223333:secret:silent";
    const error = await failureOf(() => readRedisPassword(arn));
    expect(error).toBeInstanceOf(RedisSecretError);
    expect(error).toMatchObject({
      message: expect.stringMatching(new RegExp(`${arn} cannot be read: \\w*(Timeout|Abort)`)),
    });
  });

  it.each([
    ["a single Redis", "false"],
    ["a cluster", "true"],
  ])("as %s: publish() fails", async (_kind, isCluster) => {
    const variables = { RT_REDIS_URL: `redis://${await startSilent()}`, RT_REDIS_CLUSTER: isCluster };
    const connection = connectPublisher(parseEnvironment(redisEnvironment, variables), () => undefined);
    cleanUps.push(() => connection.disconnect());
    const publisher = createPublisher(connection);
    const error = await failureOf(() => publisher.publish([message("market:trades", "silent", 1)]));
    expect(error).toBeInstanceOf(PublishError);
  });
});
