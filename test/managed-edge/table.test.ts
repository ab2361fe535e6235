import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CONNECTION_ROW,
  connectionPartition,
  roomPartition,
  shardOf,
  shardsOf,
} from "../../kernel/managed-edge/edge-table.ts";
import { Connections } from "../../lambdas/managed-edge/table/connections.ts";
import { RoomSubscribers } from "../../lambdas/managed-edge/table/room-subscribers.ts";
import { Table } from "../../lambdas/managed-edge/table/table.ts";
import { type LocalDynamo, localCredentials, startDynamo } from "../../local/managed-edge/dynamo.ts";

const topic = { channel: "market:trades", key: "m1" } as const;
const alice = { sub: "alice", expiresAt: Date.now() + 3_600_000 };
const bob = { sub: "bob", expiresAt: Date.now() + 3_600_000 };

let dynamo: LocalDynamo;
let client: DynamoDBClient;
let table: Table;
let subscribers: RoomSubscribers;
let connections: Connections;
/** The commands that were sent, with their input. */
const sent: { readonly command: string; readonly input: Readonly<Record<string, unknown>> }[] = [];

beforeAll(async () => {
  dynamo = await startDynamo();
  client = new DynamoDBClient({
    endpoint: dynamo.environment.AWS_ENDPOINT_URL_DYNAMODB,
    region: localCredentials.AWS_REGION,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      (given) => {
        sent.push({ command: commandName, input: { ...given.input } });
        return next(given);
      },
    { step: "initialize" },
  );
  table = new Table(DynamoDBDocumentClient.from(client), String(dynamo.environment.RT_EDGE_TABLE));
  subscribers = new RoomSubscribers(table);
  connections = new Connections(table, subscribers);
});
afterAll(() => {
  client.destroy();
  dynamo.stop();
});

/** Resolves with the ids of a room's subscribers, of all shards. */
async function idsInRoom(): Promise<string[]> {
  const ids: string[] = [];
  for (let shard = 0; shard < shardsOf(topic.channel); shard += 1) {
    for await (const page of subscribers.pages(topic, shard)) ids.push(...page.map(({ connection }) => connection.id));
  }
  return ids;
}

describe("a connection id that API Gateway gives again", () => {
  it("keeps the row of the newer connection where `$connect` of the older one comes late", async () => {
    const id = randomUUID();
    await connections.add({ id, connectedAt: 2_000 + Date.now() }, bob);
    const newer = await connections.find(id);

    await connections.add({ id, connectedAt: 1_000 }, alice);

    expect(await connections.find(id)).toEqual(newer);
    expect(newer?.identity?.sub).toBe("bob");
  });

  it("gets the row of the newer connection where the older one was never removed", async () => {
    const id = randomUUID();
    const now = Date.now();
    await connections.add({ id, connectedAt: now - 1_000 }, alice);

    await connections.add({ id, connectedAt: now }, undefined);

    expect(await connections.find(id)).toMatchObject({ connectedAt: now, identity: undefined });
  });

  it("keeps the user of the newer connection where the older one authenticates", async () => {
    const id = randomUUID();
    const now = Date.now();
    await connections.add({ id, connectedAt: now }, bob);

    await connections.setIdentity({ id, connectedAt: now - 1 }, alice);
    await connections.setIdentity({ id, connectedAt: now - 1 }, undefined);

    expect((await connections.find(id))?.identity).toEqual(bob);
  });

  it("keeps the end of the newer connection's private subscription where the older one renews its token", async () => {
    const id = randomUUID();
    const now = Date.now();
    const orders = { channel: "user:orders", key: "alice" } as const;
    await subscribers.add([orders], {
      connection: { id, connectedAt: now },
      attempt: "a",
      view: {},
      validUntil: now + 1_000,
    });

    await subscribers.renew({ id, connectedAt: now - 1 }, [orders], now + 9_000);
    expect((await subscribers.find(id, orders))?.validUntil).toBe(now + 1_000);

    await subscribers.renew({ id, connectedAt: now }, [orders], now + 9_000);
    expect((await subscribers.find(id, orders))?.validUntil).toBe(now + 9_000);
  });
});

describe("a row that has expired, which DynamoDB deletes hours later", () => {
  const write = (id: string, expiresAt: number) => {
    const connectedAt = Date.now();
    const shard = shardOf(id, shardsOf(topic.channel));
    return table.putAll([
      { partition: connectionPartition(id), sort: CONNECTION_ROW, values: { connectedAt }, expiresAt },
      {
        partition: roomPartition("{market:trades}:m1", shard),
        sort: id,
        values: { connectedAt, skippedFanOuts: 0, attempt: "a", since: connectedAt, isLive: true },
        expiresAt,
      },
    ]);
  };

  it("is left out, of connections and of rooms", async () => {
    const [expired, valid] = [randomUUID(), randomUUID()];
    const now = Math.floor(Date.now() / 1_000);
    await write(expired, now - 1);
    await write(valid, now + 3_600);

    expect(await connections.find(expired)).toBeUndefined();
    expect(await connections.find(valid)).toBeDefined();
    const found = await idsInRoom();
    expect(found).toContain(valid);
    expect(found).not.toContain(expired);
  });
});

it("every read is consistent: a fan-out sees the subscribers that were there before its message", async () => {
  const id = randomUUID();
  await connections.add({ id, connectedAt: Date.now() }, undefined);
  await subscribers.add([topic], { connection: { id, connectedAt: Date.now() }, attempt: "a", view: {} });
  sent.length = 0;

  await connections.find(id);
  await subscribers.find(id, topic);
  await idsInRoom();

  expect(new Set(sent.map(({ command }) => command))).toEqual(new Set(["QueryCommand", "GetItemCommand"]));
  expect(sent.filter(({ input }) => input.ConsistentRead !== true)).toEqual([]);
});

it("a subscriber that goes live while a fan-out skips it is not live before it has read what was skipped", async () => {
  const id = randomUUID();
  await subscribers.add([topic], { connection: { id, connectedAt: Date.now() }, attempt: "a", view: {} });
  const before = await subscribers.find(id, topic);
  if (!before) throw new Error("the subscriber was not added");

  expect(await subscribers.skip(before, topic)).toBe(true);
  expect(await subscribers.goLive(before, { startId: "1-0" })).toBe(false);

  const after = await subscribers.find(id, topic);
  expect(after).toMatchObject({ isLive: false, skippedFanOuts: 1 });
  if (!after) throw new Error("the subscriber is gone");
  expect(await subscribers.goLive(after, { startId: "2-0" })).toBe(true);
  expect(await subscribers.skip(after, topic)).toBe(false);
  expect(await subscribers.find(id, topic)).toMatchObject({ isLive: true, start: { startId: "2-0" } });
});
