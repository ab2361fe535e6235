import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import * as z from "zod";
import { SUBPROTOCOL } from "../../../contract/endpoints.ts";
import type { Identity } from "../../../kernel/auth/token-verifier.ts";
import type { Connections } from "../table/connections.ts";
import { offeredProtocols } from "./authorizer.ts";

/** The fields of API Gateway's event that are used; the authorizer's values are text. */
const eventSchema = z.object({
  headers: z.record(z.string(), z.string()).nullish(),
  requestContext: z.object({
    eventType: z.enum(["CONNECT", "DISCONNECT"]),
    connectionId: z.string(),
    connectedAt: z.number(),
    authorizer: z.looseObject({ sub: z.string().optional(), expiresAt: z.coerce.number().optional() }).nullish(),
  }),
});

type ConnectionHandler = (event: unknown) => Promise<APIGatewayProxyStructuredResultV2>;

type Authorizer = z.infer<typeof eventSchema>["requestContext"]["authorizer"];

function identityOf(authorizer: Authorizer): Identity | undefined {
  const { sub, expiresAt } = authorizer ?? {};
  return sub === undefined || expiresAt === undefined ? undefined : { sub, expiresAt };
}

/**
 * Builds the handler of `$connect` and `$disconnect`: it saves a connection, and removes it with all its subscriptions.
 * `$disconnect` may come late or never: then the first post to the connection, which API Gateway answers with 410, removes
 * it, and at the latest the rows expire.
 */
export function createConnectionHandler(connections: Connections): ConnectionHandler {
  return async (event) => {
    const { headers, requestContext } = eventSchema.parse(event);
    const { eventType, connectionId: id, connectedAt, authorizer } = requestContext;
    if (eventType === "DISCONNECT") {
      await connections.remove({ id, connectedAt });
      return { statusCode: 200 };
    }
    await connections.add({ id, connectedAt }, identityOf(authorizer));
    // A browser closes a connection whose server chose none of the subprotocols that it offered.
    return offeredProtocols(headers ?? null).includes(SUBPROTOCOL)
      ? { statusCode: 200, headers: { "Sec-WebSocket-Protocol": SUBPROTOCOL } }
      : { statusCode: 200 };
  };
}
