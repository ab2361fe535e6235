import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Domain, domainNames, domains, parseDomainEvent } from "../../contract/domain-events.ts";
import { accessStrings } from "../../infra/constructs/support/redis-users.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { invokeBundle, provideRuntime } from "../../tools/infra-report/invoke-bundle.ts";
import { type SecretsManager, startSecretsManager } from "../../tools/infra-report/secrets-manager.ts";
import { type Example, examples } from "../support/messages.ts";
import { codeOf, context, functionsOf, type Resource, root, synthesize } from "./synthesize.ts";

const SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:publisher";
const PASSWORD = "a-password-of-the-test";

// Bundled as a deploy bundles, from the template that a deploy takes.
const synthesis = synthesize({ ...context.environments.prod, managedEdge: { enabled: true } }, { bundle: true });
const functions = functionsOf(synthesis);
let redis: RunningRedis;
let admin: Redis;
let secretsManager: SecretsManager;

const functionOf = (domain: Domain): Resource => {
  const found = functions.find(({ logicalId }) => logicalId.startsWith(`${domain.replaceAll("-", "")}Function`));
  if (!found) throw new Error(`the template has no function for ${domain}`);
  return found;
};

/** Runs the handler that the template names, with the environment that the template gives. */
async function invoke(domain: Domain, event: unknown, more: Readonly<Record<string, string>> = {}) {
  const { Properties } = functionOf(domain);
  const [file, handler = ""] = Properties.Handler.split(".");
  const { outcome, ...rest } = await invokeBundle({
    bundle: join(codeOf(synthesis, functionOf(domain)), `${file}.mjs`),
    handler,
    event,
    environment: {
      ...Properties.Environment.Variables,
      // What is known only at deploy. One node here, a cluster there.
      RT_REDIS_URL: redis.url,
      RT_REDIS_CLUSTER: "false",
      RT_REDIS_SECRET_ARN: SECRET,
      // Nobody listens on the managed edge here, so nothing is sent to it.
      RT_EDGE_QUEUE_URL: "https://sqs.us-east-1.amazonaws.com/111122223333/news.fifo",
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
});

afterAll(async () => {
  admin.disconnect();
  secretsManager.stop();
  await redis.stop();
});

describe("every bundle", () => {
  it.each(functions)("of $logicalId has the handler that the template names, and a source map", (lambda) => {
    const [file] = lambda.Properties.Handler.split(".");
    const code = readFileSync(join(codeOf(synthesis, lambda), `${file}.mjs`), "utf8");

    expect(existsSync(join(codeOf(synthesis, lambda), `${file}.mjs.map`))).toBe(true);
    expect(code).not.toContain(root);
    // The SDK is the runtime's.
    expect(code).not.toContain("GetSecretValueCommandInput");
    expect(code.length).toBeLessThan(1_000_000);
  });

  it.each(examples)(
    "publishes $DetailType as the user, with the password, that the template gives",
    async (example) => {
      await admin.flushall();

      const { code, stderr } = await invoke(domainOf(example), busEvent(example, `bundle-${example.DetailType}`));

      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(await admin.xlen(streamOf(example))).toBe(1);
    },
  );

  it("of market data takes a batch of the stream and names the records that failed", async () => {
    const trade = examples.find(({ DetailType }) => DetailType === "TradeExecuted");
    const record = (number: number, data: unknown) => ({
      eventID: `shardId-0:${number}`,
      eventSource: "aws:kinesis",
      kinesis: { sequenceNumber: String(number), data: Buffer.from(JSON.stringify(data)).toString("base64") },
    });

    const { result } = await invoke("market-data", { Records: [record(1, trade), record(2, { Source: "nobody" })] });

    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: "2" }] });
  });

  it("fails to start, naming the secret and not its value, where the secret cannot be read", async () => {
    const [example] = examples;
    if (!example) throw new Error("contract/examples is empty");
    const missing = `${SECRET}-gone`;

    const { code, stderr } = await invoke(domainOf(example), busEvent(example, "x"), { RT_REDIS_SECRET_ARN: missing });

    expect(code).not.toBe(0);
    expect(stderr).toContain(`secret ${missing} cannot be read`);
    expect(stderr).not.toContain(PASSWORD);
  });

  it("fails, so that the event is tried again, where it may not publish", async () => {
    const example = examples.find(({ DetailType }) => DetailType === "OrderChanged");
    if (!example) throw new Error("contract/examples has no OrderChanged");
    await admin.call("ACL", "SETUSER", "publisher", "-spublish", "-evalsha", "-eval");

    const { code, stderr } = await invoke("orders", busEvent(example, "y"));

    expect(code).not.toBe(0);
    expect(stderr).toContain("PublishError");
  });
});
