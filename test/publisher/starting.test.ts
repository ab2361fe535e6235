import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { roomName } from "../../contract/stream.ts";
import { edgeMarkerKey } from "../../kernel/streams/redis-keys.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { createPublisher, type PublisherOptions, preparePublish, publish } from "../../publisher/index.ts";
import { startSecretsManager } from "../../tools/infra-report/secrets-manager.ts";
import { message } from "../support/messages.ts";

const SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:publisher";
const PASSWORD = "a-password-of-the-test";
const silent = { warn: () => undefined };

let redis: RunningRedis;
beforeAll(async () => {
  redis = await startRedis();
  const admin = new Redis({ port: redis.port });
  await admin.config("SET", "requirepass", PASSWORD);
  admin.disconnect();
});
afterAll(() => redis.stop());
afterEach(() => vi.unstubAllEnvs());

function setEnvironment(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

/** Answers as Secrets Manager does where it is out of order, and counts how often it was asked. */
async function startBrokenSecretsManager() {
  let requests = 0;
  const server = createServer((incoming, response) => {
    requests += 1;
    incoming.resume();
    response.writeHead(400, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify({ __type: "ResourceNotFoundException" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests: () => requests, stop: () => server.close() };
}

describe("importing the publisher", () => {
  it("reads no setting from the environment, and opens nothing", () => {
    const entry = join(import.meta.dirname, "../../publisher/index.ts");
    const program = `
      const names = [];
      const { env } = process;
      const watched = new Proxy(env, { get: (target, name) => (names.push(String(name)), target[name]) });
      Object.defineProperty(process, "env", { value: watched });
      await import(${JSON.stringify(entry)});
      console.log(JSON.stringify({ names, open: process.getActiveResourcesInfo() }));
    `;
    const options = { encoding: "utf8", env: { PATH: process.env.PATH } } as const;
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], options);
    const { names, open } = JSON.parse(output);
    expect(names.filter((name: string) => /^(RT_|AWS_|POWERTOOLS_)/.test(name))).toEqual([]);
    expect(open.filter((name: string) => /TCP|Timeout/.test(name))).toEqual([]);
  });
});

describe("publish()", () => {
  it("names what is missing in its environment, and starts once it is there", async () => {
    const trade = message("market:trades", "environment", 1);
    await expect(publish(trade)).rejects.toThrow(/publish\(\): invalid environment:\s+RT_REDIS_URL: is missing/);
    setEnvironment({ RT_REDIS_URL: redis.url, RT_REDIS_SECRET_ARN: "not an arn", RT_REDIS_CLUSTER: "yes" });
    const error: unknown = await preparePublish().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "ConfigurationError" });
    expect(String(error)).toMatch(/RT_REDIS_CLUSTER: [\s\S]*RT_REDIS_SECRET_ARN: must be the ARN of a secret/);

    vi.unstubAllEnvs();
    setEnvironment({ RT_REDIS_URL: redis.url, RT_REDIS_PASSWORD: PASSWORD });
    await preparePublish();
    // Read once: what the environment has later does not matter.
    vi.unstubAllEnvs();
    expect(await publish(trade)).toMatchObject([{ status: "published" }]);
    expect(await publish([trade])).toEqual([{ status: "duplicate" }]);
  });
});

describe("createPublisher()", () => {
  it.each<[string, unknown, RegExp]>([
    ["no Redis", {}, /^createPublisher\(\): invalid options:\s+redis\.url: is missing/],
    ["no host", { redis: { port: 1 } }, /redis\.url: is missing/],
    ["a URL of HTTP", { redis: "http://redis" }, /redis\.url: must be redis:\/\/host:port or rediss:\/\/host:port/],
    [
      "a password beside another one",
      { redis: { url: "redis://:one@h", password: "two" } },
      /^createPublisher\(\): redis\.password differs from the one in redis\.url/,
    ],
    [
      "a secret that is no ARN",
      { redis: { host: "h", passwordSecretArn: "x" } },
      /redis\.passwordSecretArn: must be the ARN/,
    ],
    ["a queue that is no URL", { redis: "redis://h", managedEdgeQueueUrl: "q" }, /managedEdgeQueueUrl: must be/],
    ["a negative skew", { redis: "redis://h", maximumClockSkewMs: -1 }, /maximumClockSkewMs: /],
  ])("refuses %s at once, naming the option", (_name, options, text) => {
    const create = () => createPublisher(options as PublisherOptions);
    expect(create).toThrow(text);
    expect(create).toThrow(expect.objectContaining({ name: "ConfigurationError" }));
  });

  it("keeps the password out of its errors", () => {
    const create = () => createPublisher({ redis: { url: `redis://:${PASSWORD}@h`, password: "other" } });
    expect(create).not.toThrow(PASSWORD);
  });

  it("takes host and port, or a URL, with the password as an option of its own", async () => {
    const addresses = [{ host: "127.0.0.1", port: redis.port }, { url: redis.url }];
    for (const [index, address] of addresses.entries()) {
      const publisher = createPublisher({ redis: { ...address, password: PASSWORD }, logger: silent });
      const outcomes = await publisher.publish(message("market:trades", "address", index));
      expect(outcomes).toMatchObject([{ status: "published" }]);
      await publisher.close();
    }
  });

  it("reads the secret once for all calls, and again with the next call where that failed", async () => {
    const broken = await startBrokenSecretsManager();
    const secrets = await startSecretsManager({ [SECRET]: PASSWORD });
    setEnvironment({ ...secrets.environment, AWS_ENDPOINT_URL_SECRETS_MANAGER: broken.url });
    const publisher = createPublisher({ redis: { url: redis.url, passwordSecretArn: SECRET }, logger: silent });
    const calls = [1, 2, 3].map((number) => publisher.publish(message("market:trades", "secret", number)));
    for (const call of calls) await expect(call).rejects.toThrow(`secret ${SECRET} cannot be read`);
    expect(broken.requests()).toBe(1);
    await expect(publisher.publish(message("market:trades", "secret", 1))).rejects.toThrow(
      /RedisSecretError|cannot be read/,
    );
    expect(broken.requests()).toBe(2);

    setEnvironment(secrets.environment);
    expect(await publisher.publish(message("market:trades", "secret", 1))).toMatchObject([{ status: "published" }]);
    secrets.stop();
    expect(await publisher.publish(message("market:trades", "secret", 2))).toMatchObject([{ status: "published" }]);
    await publisher.close();
    broken.stop();
  });

  it("finishes the calls under way before it closes", async () => {
    const publisher = createPublisher({ redis: { url: redis.url, password: PASSWORD }, logger: silent });
    const calls = [1, 2, 3].map((number) => publisher.publish(message("market:trades", "under-way", number)));
    await publisher.close();
    for (const call of calls) expect(await call).toMatchObject([{ status: "published" }]);
  });

  it("needs no queue for a stream with subscribers on the managed edge where it has none", async () => {
    const admin = new Redis({ port: redis.port, password: PASSWORD });
    const publisher = createPublisher({ redis: { url: redis.url, password: PASSWORD }, logger: silent });
    await admin.set(edgeMarkerKey(roomName({ channel: "market:trades", key: "no-queue" })), "1");
    const outcomes = await publisher.publish(message("market:trades", "no-queue", 1));
    expect(outcomes).toMatchObject([{ status: "published" }]);
    await publisher.close();
    admin.disconnect();
  });

  it("closes its connection to Redis with close()", async () => {
    const admin = new Redis({ port: redis.port, password: PASSWORD });
    const connections = async () => Number(/connected_clients:(\d+)/.exec(await admin.info("clients"))?.[1]);
    const before = await connections();
    const publisher = createPublisher({ redis: { url: redis.url, password: PASSWORD }, logger: silent });
    await publisher.publish(message("market:trades", "connected", 1));
    expect(await connections()).toBe(before + 1);
    await publisher.close();
    await expect.poll(connections).toBe(before);
    admin.disconnect();
  });

  it("logs a connection that fails as JSON where it has no logger", async () => {
    const lines: string[] = [];
    for (const output of [process.stdout, process.stderr]) {
      vi.spyOn(output, "write").mockImplementation((line) => lines.push(String(line)) > 0);
    }
    const publisher = createPublisher({ redis: "redis://127.0.0.1:1" });
    await publisher.publish(message("market:trades", "gone", 1)).catch(() => undefined);
    await publisher.close();
    const find = () => lines.find((line) => line.includes("Redis connection failed"));
    await expect.poll(find).toBeDefined();
    vi.restoreAllMocks();
    expect(JSON.parse(find() ?? "")).toMatchObject({ level: "WARN", service: "publish", reason: expect.any(String) });
  });

  it("gives its logger a connection that fails", async () => {
    const warnings: string[] = [];
    const logger = { warn: (text: string) => void warnings.push(text) };
    const publisher = createPublisher({ redis: "redis://127.0.0.1:1", logger });
    await expect(publisher.publish(message("market:trades", "gone", 1))).rejects.toMatchObject({
      name: "PublishError",
    });
    await publisher.close();
    expect(warnings).toContain("Redis connection failed");
  });
});
