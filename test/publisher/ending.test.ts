import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { edgeMarkerKey } from "../../kernel/streams/redis-keys.ts";
import { freePort } from "../../local/free-port.ts";
import { startFifoQueue } from "../../local/managed-edge/fifo-queue.ts";
import { startRedis } from "../../local/redis.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { createPublisher, type PublisherOptions } from "../../publisher/index.ts";
import { message } from "../support/messages.ts";
import { startTestRedis } from "../support/redis.ts";
import { startSilentServer } from "../support/silent-server.ts";

const PROGRAM = join(import.meta.dirname, "../support/closing-process.ts");
const run = promisify(execFile);

/** Ends a process that hangs, however slow the machine. */
const PATIENCE_MS = 300_000;

const aws = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key", AWS_REGION: "us-east-1" };

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startSilent(): Promise<string> {
  const server = await startSilentServer();
  cleanUps.push(() => server.stop());
  return `127.0.0.1:${server.port}`;
}

/** Runs the program to its end. Rejects where it does not end on its own with 0. */
async function resultsOf(options: PublisherOptions, environment: Record<string, string> = {}): Promise<unknown> {
  const env = { PATH: String(process.env.PATH), ...aws, ...environment };
  const { stdout, stderr } = await run(process.execPath, [PROGRAM, JSON.stringify(options)], {
    env,
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
  });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const thrice = (text: string): string[] => [text, text, text];

describe("a process that closes its publisher ends on its own", { timeout: PATIENCE_MS }, () => {
  it("on a single Redis", async () => {
    const redis = await startRedis();
    cleanUps.push(() => redis.stop());
    expect(await resultsOf({ redis: redis.url })).toEqual(thrice("published"));
  });

  it("on a cluster", async () => {
    const cluster = await startRedisCluster();
    cleanUps.push(() => cluster.stop());
    const redis = { url: String(cluster.urls[0]), cluster: true };
    expect(await resultsOf({ redis })).toEqual(thrice("published"));
  });

  it("with a managed edge's queue", async () => {
    const redis = await startTestRedis("a single Redis");
    cleanUps.push(() => redis.stop());
    await redis.commands.set(edgeMarkerKey("{user:orders:closing}"), "1");
    const invoke = async () => ({ batchItemFailures: [] });
    const limits = { maximumConcurrency: 2, visibilityTimeoutMs: 1_000, maximumReceives: 1 };
    const queue = await startFifoQueue({ invoke, ...limits, onFailure: () => undefined });
    cleanUps.push(() => queue.stop());
    const { RT_EDGE_QUEUE_URL: managedEdgeQueueUrl, AWS_ENDPOINT_URL_SQS } = queue.environment;
    const options = { redis: String(redis.environment.RT_REDIS_URL), managedEdgeQueueUrl };
    expect(await resultsOf(options, { AWS_ENDPOINT_URL_SQS })).toEqual(thrice("published"));
  });
});

describe("a failure reaches only its caller, and no rejection is left unhandled", { timeout: PATIENCE_MS }, () => {
  it.each([false, true])("if nothing listens at Redis's address, cluster: %s", async (cluster) => {
    const redis = { host: "127.0.0.1", port: await freePort(), cluster };
    const results = await resultsOf({ redis });
    expect(results).toEqual(thrice(expect.stringMatching(/^PublishError: /)));
  });

  it.each([false, true])("if Redis accepts and never answers, cluster: %s", async (cluster) => {
    const redis = { url: `redis://${await startSilent()}`, cluster };
    expect(await resultsOf({ redis })).toEqual(thrice(expect.stringMatching(/^PublishError: /)));
  });

  it("if the secret cannot be read", async () => {
    const passwordSecretArn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:gone";
    const options = { redis: { host: "127.0.0.1", passwordSecretArn } };
    const AWS_ENDPOINT_URL_SECRETS_MANAGER = `http://127.0.0.1:${await freePort()}`;
    const results = await resultsOf(options, { AWS_ENDPOINT_URL_SECRETS_MANAGER });
    expect(results).toEqual(thrice(expect.stringMatching(/^RedisSecretError: /)));
  });

  it("if the managed edge's queue never answers", async () => {
    const redis = await startTestRedis("a single Redis");
    cleanUps.push(() => redis.stop());
    await redis.commands.set(edgeMarkerKey("{user:orders:closing}"), "1");
    const AWS_ENDPOINT_URL_SQS = `http://${await startSilent()}`;
    const options = {
      redis: String(redis.environment.RT_REDIS_URL),
      managedEdgeQueueUrl: `${AWS_ENDPOINT_URL_SQS}/1/edge.fifo`,
    };
    expect(await resultsOf(options, { AWS_ENDPOINT_URL_SQS })).toEqual(thrice("PublishError: EdgeQueueError"));
  });
});

it("close() closes the connections to the managed edge's queue too", async () => {
  const redis = await startTestRedis("a single Redis");
  cleanUps.push(() => redis.stop());
  await redis.commands.set(edgeMarkerKey("{user:orders:idle}"), "1");
  const queue = createServer((incoming, response) => {
    incoming.resume();
    response.setHeader("content-type", "application/x-amz-json-1.0");
    response.end(JSON.stringify({ Successful: [], Failed: [] }));
  });
  // Else the server would close an idle connection after some seconds.
  queue.keepAliveTimeout = 0;
  let connections = 0;
  queue.on("connection", (socket) => {
    connections += 1;
    socket.on("close", () => {
      connections -= 1;
    });
  });
  await new Promise<void>((resolve) => queue.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => queue.close());
  const url = `http://127.0.0.1:${(queue.address() as AddressInfo).port}`;
  for (const [name, value] of Object.entries({ ...aws, AWS_ENDPOINT_URL_SQS: url })) vi.stubEnv(name, value);
  cleanUps.push(() => vi.unstubAllEnvs());
  const options = { redis: String(redis.environment.RT_REDIS_URL), managedEdgeQueueUrl: `${url}/1/edge.fifo` };

  const publisher = createPublisher(options);
  await publisher.publish(message("user:orders", "idle", 1));
  expect(connections).toBe(1);
  await publisher.close();

  await expect.poll(() => connections).toBe(0);
});
