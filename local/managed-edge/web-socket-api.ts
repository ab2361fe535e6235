import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import * as z from "zod";
import { CONNECTION_LIFETIME_MS, IDLE_LIMIT_MS } from "../../contract/managed-edge.ts";
import { type EdgeFaults, noFaults } from "./edge-faults.ts";
import { createManagementEndpoint } from "./management-endpoint.ts";
import { newConnectionId, SocketConnection, type SocketContext, toRouteEvent } from "./socket-connection.ts";

const MAXIMUM_MESSAGE_BYTES = 128 * 1_024;

type Invoke = (event: unknown) => Promise<unknown>;

/** The functions behind the API; each rejects as the function throws. */
export interface ApiFunctions {
  readonly authorizer: Invoke;
  readonly connection: Invoke;
  readonly messages: Invoke;
}

export interface WebSocketApiOptions {
  /** 0 for a free one. */
  readonly port: number;
  readonly functions: ApiFunctions;
  /** @default API Gateway's ten minutes */
  readonly idleMs?: number | undefined;
  /** @default API Gateway's two hours */
  readonly lifetimeMs?: number | undefined;
  /** Reported age of a new connection, in ms. @default 0 */
  readonly initialAgeMs?: (() => number) | undefined;
  /** Faults of requests to `@connections`. @default none */
  readonly faults?: EdgeFaults | undefined;
  /** Ends the functions' process, for the fault `killed`. @default does nothing */
  readonly kill?: (() => void) | undefined;
  /** Duration of a post, in ms: some 10 on AWS. @default 0 */
  readonly postMs?: number | undefined;
  /** Called with each message that was written to a client. */
  readonly onPosted?: ((body: string) => void) | undefined;
  /** Delivers `$disconnect`; on AWS that is best effort. @default true */
  readonly hasDisconnect?: (() => boolean) | undefined;
}

/** An API Gateway WebSocket API on this machine. */
export interface WebSocketApi {
  readonly port: number;
  /** For clients. */
  readonly url: string;
  /** For `@connections`. */
  readonly managementUrl: string;
  readonly connectionIds: () => readonly string[];
  stop(): Promise<void>;
}

const policySchema = z.object({
  policyDocument: z.object({ Statement: z.array(z.object({ Effect: z.enum(["Allow", "Deny"]) })).min(1) }),
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).optional(),
});

const integrationSchema = z.object({ statusCode: z.number(), headers: z.record(z.string(), z.string()).optional() });

/** The connection is refused with an HTTP status. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

const toHeaders = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

async function authorize({ authorizer }: ApiFunctions, request: IncomingMessage): Promise<Record<string, string>> {
  const url = new URL(request.url ?? "/", "ws://localhost");
  const query = Object.fromEntries(url.searchParams);
  const result = await authorizer({
    type: "REQUEST",
    methodArn: "arn:aws:execute-api:us-east-1:000000000000:local/local/$connect",
    headers: toHeaders(request),
    queryStringParameters: Object.keys(query).length > 0 ? query : null,
    requestContext: { eventType: "CONNECT", routeKey: "$connect", stage: "local", apiId: "local" },
  }).catch((error: unknown) => {
    throw new Refusal(error instanceof Error && error.message === "Unauthorized" ? 401 : 500);
  });
  const policy = policySchema.safeParse(result);
  if (!policy.success) throw new Refusal(500);
  if (policy.data.policyDocument.Statement.some(({ Effect }) => Effect === "Deny")) throw new Refusal(403);
  return policy.data.context ?? {};
}

/** Runs `$connect`; resolves with the subprotocol that it chose. */
async function connect({ connection }: ApiFunctions, context: SocketContext): Promise<string | undefined> {
  const event = toRouteEvent(context, { eventType: "CONNECT" }, { headers: toHeaders(context.request) });
  const result = await connection(event).catch(() => {
    throw new Refusal(502);
  });
  const answer = integrationSchema.safeParse(result);
  if (!answer.success) throw new Refusal(502);
  if (answer.data.statusCode >= 300) throw new Refusal(answer.data.statusCode);
  return Object.entries(answer.data.headers ?? {}).find(
    ([name]) => name.toLowerCase() === "sec-websocket-protocol",
  )?.[1];
}

const refuse = (socket: Duplex, error: unknown): void => {
  const status = error instanceof Refusal ? error.status : 500;
  socket.end(`HTTP/1.1 ${status} \r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};

/**
 * Stands where API Gateway stands: lets clients in through the authorizer and `$connect`, routes their messages, serves
 * `@connections`, and ends connections that are idle, old or too loud. Where it differs: docs/managed-edge.md.
 */
export async function startWebSocketApi(options: WebSocketApiOptions): Promise<WebSocketApi> {
  const { functions, onPosted = () => undefined, hasDisconnect = () => true } = options;
  const { idleMs = IDLE_LIMIT_MS, lifetimeMs = CONNECTION_LIFETIME_MS, initialAgeMs = () => 0, postMs = 0 } = options;
  const connections = new Map<string, SocketConnection>();
  const { faults = noFaults(), kill = () => undefined } = options;
  const endpoint = createManagementEndpoint({ find: (id) => connections.get(id), faults, kill, postMs, onPosted });
  const http = createServer(endpoint);
  const protocols = new WeakMap<IncomingMessage, string | undefined>();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAXIMUM_MESSAGE_BYTES,
    handleProtocols: (_offered, request) => protocols.get(request) ?? false,
  });

  const open = (context: SocketContext, socket: WebSocket): void => {
    const connection = new SocketConnection({
      context,
      socket,
      limits: { idleMs, lifetimeMs },
      onMessage: async (routeKey, body) => {
        await functions.messages(toRouteEvent(context, { eventType: "MESSAGE", routeKey }, { body }));
      },
      onClose: (code) => {
        connections.delete(context.connectionId);
        const event = toRouteEvent(context, { eventType: "DISCONNECT" }, { disconnectStatusCode: code });
        if (hasDisconnect()) functions.connection(event).catch(() => undefined);
      },
    });
    connections.set(context.connectionId, connection);
  };

  http.on("upgrade", (request, socket, head) => {
    socket.on("error", () => undefined);
    const enter = async (): Promise<void> => {
      const authorizer = await authorize(functions, request);
      const connectedAt = Date.now() - initialAgeMs();
      const context = { connectionId: newConnectionId(), connectedAt, authorizer, request };
      protocols.set(request, await connect(functions, context));
      sockets.handleUpgrade(request, socket, head, (webSocket) => open(context, webSocket));
    };
    enter().catch((error: unknown) => refuse(socket, error));
  });

  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(options.port, resolve);
  });
  const { port } = http.address() as AddressInfo;
  return {
    port,
    url: `ws://127.0.0.1:${port}/local`,
    managementUrl: `http://127.0.0.1:${port}/local`,
    connectionIds: () => [...connections.keys()],
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
