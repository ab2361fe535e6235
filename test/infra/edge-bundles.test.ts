import { join } from "node:path";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { SQSBatchResponse } from "aws-lambda";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accessStrings, redisRoles } from "../../infra/constructs/support/redis-users.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";
import { type LocalDynamo, localCredentials, startDynamo } from "../../local/managed-edge/dynamo.ts";
import { type FifoQueue, startFifoQueue } from "../../local/managed-edge/fifo-queue.ts";
import { startWebSocketApi, type WebSocketApi } from "../../local/managed-edge/web-socket-api.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { invokeBundle, provideRuntime } from "../../tools/infra-report/invoke-bundle.ts";
import { type SecretsManager, startSecretsManager } from "../../tools/infra-report/secrets-manager.ts";
import { connectEdgeClient, type EdgeClient } from "../support/edge-client.ts";
import { examples } from "../support/messages.ts";
import { codeOf, context, edgeFunctionsOf, publishersOf, type Resource, synthesize } from "./synthesize.ts";

const PASSWORD = "a-password-of-the-test";

/** Every step starts a process, as a cold start does: seconds, and minutes on a busy machine. */
const LIMIT_MS = 600_000;
const secretOf = (role: string): string => `arn:aws:secretsmanager:us-east-1:111122223333:secret:${role}`;

// Bundled as for a deploy, from the template of a deploy.
const synthesis = synthesize({ ...context.environments.dev, managedEdge: { enabled: true } }, { bundle: true });
const functions = [...edgeFunctionsOf(synthesis), ...publishersOf(synthesis)];

let redis: RunningRedis;
let admin: Redis;
let secretsManager: SecretsManager;
let dynamo: LocalDynamo;
let queue: FifoQueue;
let api: WebSocketApi;
let issuer: Issuer;
const failures: string[] = [];
const clients: EdgeClient[] = [];

const find = (start: string): Resource => {
  const lambda = functions.find(({ logicalId }) => logicalId.startsWith(start));
  if (!lambda) throw new Error(`the template has no function ${start}`);
  return lambda;
};

/** Returns the variables of a template with local values in place of those that are known only at deploy. */
const atDeploy = (variables: Readonly<Record<string, unknown>>): Record<string, string> => {
  const known: Readonly<Record<string, string>> = {
    ...issuer.env,
    ...dynamo.environment,
    ...queue.environment,
    RT_REDIS_URL: redis.url,
    RT_REDIS_CLUSTER: "false",
    RT_REDIS_SECRET_ARN: secretOf(String(variables.RT_REDIS_USERNAME)),
    RT_EDGE_MANAGEMENT_URL: api.managementUrl,
  };
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, known[name] ?? String(value)]));
};

/** Runs the bundle of a function with the variables of the template. Rejects if the function fails. */
const invoke =
  (start: string) =>
  async (event: unknown): Promise<unknown> => {
    const lambda = find(start);
    const { Environment, Handler } = lambda.Properties;
    const [file, handler = ""] = Handler.split(".");
    const { outcome, stderr } = await invokeBundle({
      bundle: join(codeOf(synthesis, lambda), `${file}.mjs`),
      handler,
      event,
      environment: {
        ...atDeploy(Environment.Variables),
        RT_AUTH_JWKS: issuer.env.RT_AUTH_JWKS,
        AWS_ENDPOINT_URL_DYNAMODB: dynamo.environment.AWS_ENDPOINT_URL_DYNAMODB,
        AWS_ENDPOINT_URL_SQS: queue.environment.AWS_ENDPOINT_URL_SQS,
        ...secretsManager.environment,
      },
    });
    if (!outcome) {
      failures.push(`${start}: ${stderr}`);
      throw new Error(/Unauthorized/.test(stderr) ? "Unauthorized" : stderr);
    }
    return outcome.result;
  };

beforeAll(async () => {
  provideRuntime(synthesis.assembly.directory);
  redis = await startRedis();
  admin = new Redis({ port: redis.port });
  for (const role of redisRoles) {
    await admin.call("ACL", "SETUSER", role, `>${PASSWORD}`, ...accessStrings[role].split(" "));
  }
  secretsManager = await startSecretsManager(Object.fromEntries(redisRoles.map((role) => [secretOf(role), PASSWORD])));
  issuer = await createIssuer();
  dynamo = await startDynamo();
  queue = await startFifoQueue({
    invoke: async (event) => (await invoke("fanoutFunction")(event)) as SQSBatchResponse,
    maximumConcurrency: 2,
    visibilityTimeoutMs: 100,
    maximumReceives: 3,
    onFailure: (text) => failures.push(text),
  });
  api = await startWebSocketApi({
    port: 0,
    functions: {
      authorizer: invoke("authorizerFunction"),
      connection: invoke("connectionFunction"),
      messages: invoke("messagesFunction"),
    },
  });
});

afterAll(async () => {
  for (const client of clients) client.close();
  await api.stop();
  queue.stop();
  dynamo.stop();
  admin.disconnect();
  secretsManager.stop();
  await redis.stop();
});

const connect = async (token?: string): Promise<EdgeClient> => {
  const client = await connectEdgeClient(api.url, { token });
  clients.push(client);
  return client;
};

const countRows = async (): Promise<number> => {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = "", RT_EDGE_TABLE: TableName } = dynamo.environment;
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({ endpoint, region: localCredentials.AWS_REGION, credentials });
  const { Count } = await client.send(new ScanCommand({ TableName, Select: "COUNT" }));
  client.destroy();
  return Count ?? 0;
};

const order = () => {
  const example = examples.find(({ DetailType }) => DetailType === "OrderChanged");
  if (!example) throw new Error("contract/examples has no OrderChanged");
  return example;
};

const busEvent = (id: string) => {
  const { Source, DetailType, Detail } = order();
  return { id, source: Source, "detail-type": DetailType, time: "2026-01-01T00:00:00Z", detail: Detail };
};

describe("the bundles of the managed edge, as the Redis users of the template", { timeout: LIMIT_MS }, () => {
  it("deliver an event of the bus to a client: authorizer, connection, messages, publisher and fan-out", async () => {
    const client = await connect(await issuer.sign({ sub: "alice" }));

    expect(await client.ask("subscribe", { channel: "user:orders" })).toMatchObject({ channel: "user:orders" });
    await invoke("ordersFunction")(busEvent("edge-bundle-1"));

    await expect.poll(() => client.ids("user:orders"), { timeout: LIMIT_MS / 2 }).toHaveLength(1);
    const [entry] = await admin.xrevrange(streamKey({ channel: "user:orders", key: "alice" }), "+", "-", "COUNT", 1);
    expect(client.ids("user:orders")).toEqual([entry?.[0]]);
    expect(failures).toEqual([]);
  });

  it("refuse an invalid token", async () => {
    await expect(connect("not.a.token")).rejects.toThrow(/401/);

    expect(failures.splice(0).map((text) => text.slice(0, 18))).toEqual(["authorizerFunction"]);
  });

  it("let an anonymous client resume a public channel from its stream, and delete its rows when it disconnects", async () => {
    const client = await connect();

    const answer = await client.ask("subscribe", {
      channel: "market:trades",
      marketId: "example-market",
      lastId: "0-0",
    });
    const before = await countRows();
    for (const { socket } of clients) socket.close();

    expect(answer).toMatchObject({ channel: "market:trades", recovered: true });
    expect(before).toBeGreaterThan(0);
    await expect.poll(countRows, { timeout: LIMIT_MS / 2 }).toBe(0);
    expect(failures).toEqual([]);
  });
});
