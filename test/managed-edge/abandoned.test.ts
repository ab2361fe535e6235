import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
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
import { startTestEdge } from "../support/edge.ts";
import type { EdgeClient } from "../support/edge-client.ts";
import { messages } from "../support/messages.ts";

/** The age that the rows are given, in ms: longer than a subscriber may take to catch up. */
const LONG_AGO_MS = 3_600_000;

const edge = await startTestEdge({ hasProcess: true });

const table = () => openTable(String(process.env.RT_EDGE_TABLE));

const topicOf = (market: string) => ({ channel: "market:trades", key: market }) as const;

/** Subscribes; the function is killed between its answer and going live. */
async function subscribeAndKill(market: string): Promise<{ readonly client: EdgeClient; readonly id: string }> {
  const client = await edge.connect();
  const id = edge.api.connectionIds().at(-1) ?? "";
  edge.faults.post = (_connectionId, body) => (body.includes('"subscribed"') ? "killed" : undefined);
  await client.ask("subscribe", { channel: "market:trades", marketId: market });
  Object.assign(edge.faults, noFaults());
  return { client, id };
}

/** Gives the rows an age of an hour, or removes their age. */
async function backdate(connectionId: string, market: string, hasAge = true): Promise<void> {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient());
  const room = roomName(topicOf(market));
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

/** Expects that the client got the end, that its row is gone, and that it gets the stream once it subscribes again. */
async function expectHealed(client: EdgeClient, id: string, market: string): Promise<void> {
  const request = { channel: "market:trades", marketId: market };
  await expect.poll(() => client.errors).toMatchObject([{ code: "unavailable", ...request }]);
  expect(client.frames.filter(({ event }) => event === "error").map((frame) => frame.id)).toEqual([undefined]);
  await expect.poll(() => table().subscribers.find(id, topicOf(market))).toBeUndefined();
  await client.ask("subscribe", { ...request, lastId: "0-0" });
  const ids = await edge.publish(messages("market:trades", market, 2, 100));
  await expect.poll(() => client.ids("market:trades").slice(-2)).toEqual(ids);
}

it("a subscription whose function was killed after the answer has no heartbeat, and a later ping ends it", async () => {
  const { client, id } = await subscribeAndKill("killed-ping");
  await edge.publish(messages("market:trades", "killed-ping", 3));
  await expect.poll(() => edge.queue.size()).toBe(0);

  await client.ask("ping");
  await client.ask("ping");
  expect(client.frames.map(({ event }) => event)).toEqual(["subscribed", "pong", "pong"]);

  await backdate(id, "killed-ping");
  await client.ask("ping");
  await expectHealed(client, id, "killed-ping");
});

it("a subscription whose function was killed after the answer is ended by a fan-out", async () => {
  const { client, id } = await subscribeAndKill("killed-fan-out");
  await backdate(id, "killed-fan-out", false);

  await edge.publish(messages("market:trades", "killed-fan-out", 1));

  await expectHealed(client, id, "killed-fan-out");
});

it("a subscription whose function was killed after the answer goes live once the client subscribes again", async () => {
  const { client } = await subscribeAndKill("killed-again");

  await client.ask("subscribe", { channel: "market:trades", marketId: "killed-again" });
  const ids = await edge.publish(messages("market:trades", "killed-again", 3));

  await expect.poll(() => client.ids("market:trades")).toEqual(ids);
});
