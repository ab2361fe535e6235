import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { edgeTable } from "../../kernel/managed-edge/edge-table.ts";
import { type EdgeFaults, noFaults } from "./edge-faults.ts";

const TABLE = "managed-edge";

/** Settings that every AWS SDK requires, although nothing here checks them. */
export const localCredentials = {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "local",
  AWS_SECRET_ACCESS_KEY: "local",
} as const;

/** A DynamoDB on this machine, with the managed edge's table. */
export interface LocalDynamo {
  /** Variables that a function needs to use it. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): void;
}

/** Lets a fault have a request before dynalite does. */
function intercept(server: Server, faults: EdgeFaults): void {
  const listeners = server.listeners("request");
  server.removeAllListeners("request");
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const fault = faults.table(String(request.headers["x-amz-target"]).split(".").at(-1) ?? "");
    if (fault === "silent") request.resume();
    else if (fault === "failed") response.writeHead(500, { "content-type": "application/x-amz-json-1.0" }).end("{}");
    else for (const listener of listeners) Reflect.apply(listener, server, [request, response]);
  });
}

/** Starts dynalite on 127.0.0.1 and makes the table as the template does. */
export async function startDynamo(faults: EdgeFaults = noFaults()): Promise<LocalDynamo> {
  const server = dynalite({ createTableMs: 0 }).listen(0, "127.0.0.1");
  intercept(server, faults);
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({ endpoint, region: localCredentials.AWS_REGION, credentials });
  const { partitionKey, sortKey } = edgeTable;
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: partitionKey, KeyType: "HASH" },
        { AttributeName: sortKey, KeyType: "RANGE" },
      ],
      AttributeDefinitions: [partitionKey, sortKey].map((name) => ({ AttributeName: name, AttributeType: "S" })),
    }),
  );
  client.destroy();
  return {
    environment: { AWS_ENDPOINT_URL_DYNAMODB: endpoint, RT_EDGE_TABLE: TABLE },
    // Requests on their way are answered first: cut off, they would go on against a database that is closed.
    stop: () => {
      server.close();
    },
  };
}
