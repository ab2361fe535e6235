import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Connections } from "./connections.ts";
import { Listeners } from "./listeners.ts";
import { createTable } from "./table.ts";

/** The two sides of the table of that name. */
export function openTable(name: string): { readonly connections: Connections; readonly listeners: Listeners } {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const table = createTable(client, name);
  const listeners = new Listeners(table);
  return { listeners, connections: new Connections(table, listeners) };
}
