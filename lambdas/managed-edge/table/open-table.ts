import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { ATTEMPTS, requestHandler } from "../../../kernel/aws/aws-bounds.ts";
import { Connections } from "./connections.ts";
import { Listeners } from "./room-subscribers.ts";
import { StartPositions } from "./start-positions.ts";
import { createTable } from "./table.ts";

/** The sides of the table of that name. */
export interface OpenTable {
  readonly connections: Connections;
  readonly listeners: Listeners;
  readonly starts: StartPositions;
}

export function openTable(name: string): OpenTable {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ maxAttempts: ATTEMPTS, requestHandler }), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const table = createTable(client, name);
  const listeners = new Listeners(table);
  return { listeners, connections: new Connections(table, listeners), starts: new StartPositions(table) };
}
