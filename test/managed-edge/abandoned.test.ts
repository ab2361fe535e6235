import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { roomName } from "../../contract/stream.ts";
import {
  connectionPartition,
  edgeTable,
  roomPartition,
  shardOf,
  shardsOf,
  subscriptionRow,
} from "../../kernel/managed-edge/edge-table.ts";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { noFaults } from "../../local/managed-edge/edge-faults.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import type { EdgeClient } from "../support/edge-client.ts";
import { messages } from "../support/messages.ts";

/** How long before the bound of catching up the rows are put back, in ms. */
const LONG_AGO_MS = 3_600_000;

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge({ hasProcess: true });
});
afterAll(() => edge.stop());
afterEach(() => {
  Object.assign(edge.faults, noFaults());
});

const table = () => openTable(String(process.env.RT_EDGE_TABLE));

const streamOf = (market: string) => ({ channel: "market:trades", key: market }) as const;

/** Subscribes; the function is killed between its answer and going live. */
async function subscribeAndKill(market: string): Promise<{ readonly client: EdgeClient; readonly id: string }> {
  const client = await edge.connect();
  const id = edge.api.connectionIds().at(-1) ?? "";
  edge.faults.post = (_connectionId, body) => (body.includes('"subscribed"') ? "killed" : undefined);
  await client.ask("subscribe", { channel: "market:trades", marketId: market });
  Object.assign(edge.faults, noFaults());
  return { client, id };
}

/** Lets the rows be as old as they are when nobody comes for a while, or as a version wrote them that kept no age. */
async function putBack(connectionId: string, market: string, hasAge = true): Promise<void> {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient());
  const room = roomName(streamOf(market));
  const shard = shardOf(connectionId, shardsOf("market:trades"));
  const keys = [
    [roomPartition(room, shard), connectionId],
    [connectionPartition(connectionId), subscriptionRow(room)],
  ];
  for (const [partition, sort] of keys) {
    await client.send(
      new UpdateCommand({
        TableName: String(process.env.RT_EDGE_TABLE),
        Key: { [edgeTable.partitionKey]: partition, [edgeTable.sortKey]: sort },
        ...(hasAge
          ? {
              UpdateExpression: "SET since = :since",
              ExpressionAttributeValues: { ":since": Date.now() - LONG_AGO_MS },
            }
          : { UpdateExpression: "REMOVE since" }),
      }),
    );
  }
  client.destroy();
}

/** It is told, its row is gone, and when it asks again it has all of the stream. */
async function expectHealed(client: EdgeClient, id: string, market: string): Promise<void> {
  const request = { channel: "market:trades", marketId: market };
  await expect.poll(() => client.errors).toMatchObject([{ code: "unavailable", ...request }]);
  expect(client.frames.filter(({ event }) => event === "error").map((frame) => frame.id)).toEqual([undefined]);
  await expect.poll(() => table().listeners.find(id, streamOf(market))).toBeUndefined();
  await client.ask("subscribe", { ...request, lastId: "0-0" });
  const ids = await edge.publish(messages("market:trades", market, 2, 100));
  await expect.poll(() => client.ids("market:trades").slice(-2)).toEqual(ids);
}

it("a function killed after its answer: a ping claims no life for the subscription, and later ends it aloud", async () => {
  const { client, id } = await subscribeAndKill("killed-ping");
  await edge.publish(messages("market:trades", "killed-ping", 3));
  await expect.poll(() => edge.queue.size()).toBe(0);

  await client.ask("ping");
  await client.ask("ping");
  expect(client.frames.map(({ event }) => event)).toEqual(["subscribed", "pong", "pong"]);

  await putBack(id, "killed-ping");
  await client.ask("ping");
  await expectHealed(client, id, "killed-ping");
});

it("a function killed after its answer: a fan-out ends the subscription aloud", async () => {
  const { client, id } = await subscribeAndKill("killed-fan-out");
  await putBack(id, "killed-fan-out", false);

  await edge.publish(messages("market:trades", "killed-fan-out", 1));

  await expectHealed(client, id, "killed-fan-out");
});

it("a function killed after its answer: asking again without `lastId` goes live", async () => {
  const { client } = await subscribeAndKill("killed-again");

  await client.ask("subscribe", { channel: "market:trades", marketId: "killed-again" });
  const ids = await edge.publish(messages("market:trades", "killed-again", 3));

  await expect.poll(() => client.ids("market:trades")).toEqual(ids);
});
