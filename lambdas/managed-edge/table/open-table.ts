import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { boundedRequests } from "../../../kernel/aws/bounded-requests.ts";
import { Connections } from "./connections.ts";
import { RoomSubscribers } from "./room-subscribers.ts";
import { StartPositions } from "./start-positions.ts";
import { Table } from "./table.ts";

/** The table by what its rows are about. */
export interface OpenTable {
  readonly connections: Connections;
  readonly subscribers: RoomSubscribers;
  readonly startPositions: StartPositions;
}

/** Opens the table of that name in the environment's account and region. */
export function openTable(name: string): OpenTable {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(boundedRequests()), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const table = new Table(client, name);
  const subscribers = new RoomSubscribers(table);
  return { subscribers, connections: new Connections(table, subscribers), startPositions: new StartPositions(table) };
}
