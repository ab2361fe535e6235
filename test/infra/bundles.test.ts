import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Domain, domainNames, domains, parseDomainEvent } from "../../contract/domain-events.ts";
import { accessStrings } from "../../infra/constructs/support/redis-users.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { type FailureQueue, type FailureRecord, startFailureQueue } from "../../local/failure-queue.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { invokeBundle, provideRuntime } from "../../tools/infra-report/invoke-bundle.ts";
import { type SecretsManager, startSecretsManager } from "../../tools/infra-report/secrets-manager.ts";
import { type Example, examples } from "../support/messages.ts";
import { codeOf, context, functionsOf, type Resource, root, synthesize } from "./synthesize.ts";

const SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:publisher";
const PASSWORD = "a-password-of-the-test";

/** A test starts a process for each invocation, as a cold start does: seconds, and minutes on a busy machine. */
const LIMIT_MS = 600_000;

// Bundled as for a deploy, from the template of a deploy.
const synthesis = synthesize({ ...context.environments.prod, managedEdge: { enabled: true } }, { bundle: true });
const functions = functionsOf(synthesis);
let redis: RunningRedis;
let admin: Redis;
let secretsManager: SecretsManager;
let failureQueue: FailureQueue;
const moved: FailureRecord[] = [];

const functionOf = (domain: Domain): Resource => {
  const found = functions.find(({ logicalId }) => logicalId.startsWith(`${domain.replaceAll("-", "")}Function`));
  if (!found) throw new Error(`the template has no function for ${domain}`);
  return found;
};

/** Runs a function with the handler and the variables of the template. */
async function invoke(domain: Domain, event: unknown, more: Readonly<Record<string, string>> = {}) {
  const { Properties } = functionOf(domain);
  const [file, handler = ""] = Properties.Handler.split(".");
  const { outcome, ...rest } = await invokeBundle({
    bundle: join(codeOf(synthesis, functionOf(domain)), `${file}.mjs`),
    handler,
    event,
    environment: {
      ...Properties.Environment.Variables,
      // Values that are known only at deploy. One node here, a cluster in AWS.
      RT_REDIS_URL: redis.url,
      RT_REDIS_CLUSTER: "false",
      RT_REDIS_SECRET_ARN: SECRET,
      // No client of the managed edge has subscribed, so no hint is sent.
      RT_EDGE_QUEUE_URL: "https://sqs.us-east-1.amazonaws.com/111122223333/hints.fifo",
      ...failureQueue.environment,
      ...secretsManager.environment,
      ...more,
    },
  });
  return { ...rest, result: outcome?.result };
}

const busEvent = ({ Source, DetailType, Detail }: Example, id: string) => ({
  version: "0",
  id,
  source: Source,
  "detail-type": DetailType,
  account: "111122223333",
  time: "2026-01-01T00:00:00Z",
  region: "us-east-1",
  resources: [],
  detail: Detail,
});

const domainOf = ({ Source }: Example): Domain => {
  const found = domainNames.find((domain) => domains[domain].some(({ source }) => source === Source));
  if (!found) throw new Error(`no domain has the source ${Source}`);
  return found;
};

const streamOf = (example: Example): string => {
  const { Source: source, DetailType: detailType, Detail: detail } = example;
  const { channel, key } = parseDomainEvent(domainOf(example), { source, detailType, detail, id: "event" });
  return streamKey({ channel, key });
};

beforeAll(async () => {
  provideRuntime(synthesis.assembly.directory);
  redis = await startRedis();
  admin = new Redis({ port: redis.port });
  await admin.call("ACL", "SETUSER", "publisher", `>${PASSWORD}`, ...accessStrings.publisher.split(" "));
  secretsManager = await startSecretsManager({ [SECRET]: PASSWORD });
  failureQueue = await startFailureQueue((record) => moved.push(record));
}, LIMIT_MS);

afterAll(async () => {
  admin.disconnect();
  secretsManager.stop();
  failureQueue.stop();
  await redis.stop();
});

describe("every bundle", { timeout: LIMIT_MS }, () => {
  it.each(functions)("of $logicalId has the handler of the template, and a source map", (lambda) => {
    const [file] = lambda.Properties.Handler.split(".");
    const code = readFileSync(join(codeOf(synthesis, lambda), `${file}.mjs`), "utf8");

    expect(existsSync(join(codeOf(synthesis, lambda), `${file}.mjs.map`))).toBe(true);
    expect(code).not.toContain(root);
    // Lambda's runtime provides the SDK.
    expect(code).not.toContain("GetSecretValueCommandInput");
    expect(code.length).toBeLessThan(1_000_000);
  });

  it.each(examples)(
    "publishes $DetailType as the Redis user of the template, with the password from its secret",
    async (example) => {
      await admin.flushall();

      const { code, stderr } = await invoke(domainOf(example), busEvent(example, `bundle-${example.DetailType}`));

      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(await admin.xlen(streamOf(example))).toBe(1);
    },
  );

  it("of market data handles a batch of the stream and moves invalid records to the failure queue", async () => {
    const trade = examples.find(({ DetailType }) => DetailType === "TradeExecuted");
    const record = (number: number, data: unknown) => ({
      eventID: `shardId-0:${number}`,
      eventSource: "aws:kinesis",
      kinesis: { sequenceNumber: String(number), data: Buffer.from(JSON.stringify(data)).toString("base64") },
    });

    const { result } = await invoke("market-data", { Records: [record(1, trade), record(2, { Source: "nobody" })] });

    expect(result).toEqual({ batchItemFailures: [] });
    expect(moved.splice(0)).toMatchObject([
      {
        requestPayload: { sequenceNumber: "2", data: '{"Source":"nobody"}' },
        responsePayload: { errorType: "InvalidEventError", errorMessage: expect.stringContaining("DetailType") },
      },
    ]);
  });

  it("of orders moves an invalid event to the failure queue of its variables, and succeeds", async () => {
    const order = examples.find(({ DetailType }) => DetailType === "OrderChanged");
    if (!order) throw new Error("contract/examples has no OrderChanged");
    const event = busEvent({ ...order, Detail: { ...order.Detail, price: 0.5 } }, "bad");

    const { code, result } = await invoke("orders", event);

    expect({ code, result }).toEqual({ code: 0, result: undefined });
    expect(moved.splice(0)).toMatchObject([
      {
        requestPayload: event,
        responsePayload: { errorMessage: expect.stringContaining("detail.price: send decimals") },
      },
    ]);
  });

  it("fails to start, naming the secret and not its value, if the secret cannot be read", async () => {
    const [example] = examples;
    if (!example) throw new Error("contract/examples is empty");
    const missing = `${SECRET}-gone`;

    const { code, stderr } = await invoke(domainOf(example), busEvent(example, "x"), { RT_REDIS_SECRET_ARN: missing });

    expect(code).not.toBe(0);
    expect(stderr).toContain(`secret ${missing} cannot be read`);
    expect(stderr).not.toContain(PASSWORD);
  });

  it("fails, so that the event is retried, if it may not publish", async () => {
    const example = examples.find(({ DetailType }) => DetailType === "OrderChanged");
    if (!example) throw new Error("contract/examples has no OrderChanged");
    await admin.call("ACL", "SETUSER", "publisher", "-spublish", "-evalsha", "-eval");

    const { code, stderr } = await invoke("orders", busEvent(example, "y"));

    expect(code).not.toBe(0);
    expect(stderr).toContain("PublishError");
  });
});
