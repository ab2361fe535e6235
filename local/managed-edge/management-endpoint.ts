import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { SocketConnection } from "./socket-connection.ts";

/** The most that one message may hold, in bytes. */
const MAXIMUM_MESSAGE_BYTES = 128 * 1_024;

/** What a test makes of a post before it is tried. */
export type PostFault = "gone" | "throttled" | undefined;

interface ManagementOptions {
  readonly find: (connectionId: string) => SocketConnection | undefined;
  /** Asked before each post. */
  readonly faultOf: (connectionId: string) => PostFault;
  /** How long a post takes, in ms. */
  readonly postMs: number;
  /** Hears of each message that was handed to a client. */
  readonly onPosted: (body: string) => void;
}

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly body?: object;
}

const GONE: Answer = { status: 410, error: "GoneException", body: {} };

async function post(options: ManagementOptions, connectionId: string, request: IncomingMessage): Promise<Answer> {
  const body = await buffer(request);
  if (options.postMs > 0) await delay(options.postMs);
  const fault = options.faultOf(connectionId);
  if (fault === "throttled") {
    return { status: 429, error: "LimitExceededException", body: { message: "Too Many Requests" } };
  }
  if (body.length > MAXIMUM_MESSAGE_BYTES) {
    return { status: 413, error: "PayloadTooLargeException", body: { message: "Payload Too Large" } };
  }
  const text = body.toString("utf8");
  if (fault === "gone" || !options.find(connectionId)?.send(text)) return GONE;
  options.onPosted(text);
  return { status: 200 };
}

function get({ context, lastActiveAt }: SocketConnection): Answer {
  const { connectedAt, request } = context;
  const toTime = (ms: number): string => new Date(ms).toISOString();
  const identity = { sourceIp: request.socket.remoteAddress, userAgent: request.headers["user-agent"] };
  return {
    status: 200,
    body: { connectedAt: toTime(connectedAt), lastActiveAt: toTime(lastActiveAt), identity },
  };
}

async function answer(options: ManagementOptions, request: IncomingMessage): Promise<Answer> {
  const [, id] = /^\/[^/]+\/@connections\/([^/?]+)/.exec(decodeURI(request.url ?? "")) ?? [];
  if (id === undefined) return { status: 403, error: "ForbiddenException", body: { message: "Forbidden" } };
  const connectionId = decodeURIComponent(id);
  if (request.method === "POST") return post(options, connectionId, request);
  const connection = options.find(connectionId);
  if (!connection) return GONE;
  if (request.method === "GET") return get(connection);
  if (request.method === "DELETE") {
    connection.close();
    return { status: 204 };
  }
  return { status: 403, error: "ForbiddenException", body: { message: "Forbidden" } };
}

/** Serves `POST`, `GET` and `DELETE /<stage>/@connections/<id>`, as the AWS SDK's management client asks for them. */
export function createManagementEndpoint(options: ManagementOptions) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    answer(options, request).then(
      ({ status, error, body }) => {
        request.resume();
        response.writeHead(status, {
          "content-type": "application/json",
          ...(error === undefined ? {} : { "x-amzn-errortype": error }),
        });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      },
      () => response.writeHead(500).end(),
    );
  };
}
