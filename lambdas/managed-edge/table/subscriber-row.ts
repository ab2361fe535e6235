import * as z from "zod";
import { roomName, type Topic } from "../../../contract/stream.ts";
import { edgeTable, roomPartition, shardOf, shardsOf } from "../../../kernel/managed-edge/edge-table.ts";
import type { RoomSubscriber } from "./room-subscriber.ts";
import { type StartFields, startFieldsSchema, startValues } from "./start-fields.ts";
import type { Change, RowKey } from "./table.ts";
import { VIEW_FIELD, viewFieldSchema, viewValues } from "./view-field.ts";

const rowSchema = z.object({
  [edgeTable.sortKey]: z.string(),
  connectedAt: z.number(),
  isLive: z.boolean().default(false),
  skippedFanOuts: z.number(),
  skippedKeys: z.set(z.string()).optional(),
  hasSkippedMore: z.boolean().default(false),
  attempt: z.string(),
  // A row without it counts as abandoned, and is ended.
  since: z.number().default(0),
  validUntil: z.number().optional(),
  ...startFieldsSchema.shape,
  ...viewFieldSchema.shape,
});

/** Returns the primary key of a connection's row in a room. */
export function subscriberKey(connectionId: string, topic: Topic): RowKey {
  const shard = shardOf(connectionId, shardsOf(topic.channel));
  return { partition: roomPartition(roomName(topic), shard), sort: connectionId };
}

/** Parses a row of the room; undefined where it is anything else. */
export function parseSubscriber(row: unknown, topic: Topic): RoomSubscriber | undefined {
  const parsed = rowSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const { sk: id, connectedAt, skippedKeys = [], hasSkippedMore, stateView: view = {}, ...fields } = parsed.data;
  const { isLive, skippedFanOuts, attempt, since, validUntil, ...start } = fields;
  const keys = hasSkippedMore ? undefined : [...skippedKeys];
  const connection = { id, connectedAt };
  return { connection, topic, isLive, start, skippedFanOuts, skippedKeys: keys, attempt, since, validUntil, view };
}

/** Builds the update that makes a subscriber live with its view, from a start on, on one more condition. */
export function toLive(
  { attempt, view }: Pick<RoomSubscriber, "attempt" | "view">,
  start: StartFields,
  condition: string,
): Change {
  const values = { isLive: true, ...startValues(start), ...viewValues(view) };
  const names = Object.keys(values);
  const removed = ["skippedKeys", "hasSkippedMore", ...(VIEW_FIELD in values ? [] : [VIEW_FIELD])];
  return {
    UpdateExpression: `SET ${names.map((name) => `${name} = :${name}`).join(", ")} REMOVE ${removed.join(", ")}`,
    ConditionExpression: `attempt = :attempt${condition}`,
    ExpressionAttributeValues: {
      ":attempt": attempt,
      ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
    },
  };
}
