import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { EdgeFaults, PostFault } from "./edge-faults.ts";
import type { SocketConnection } from "./socket-connection.ts";

/** The most that one message may hold, in bytes. */
const MAXIMUM_MESSAGE_BYTES = 128 * 1_024;

interface ManagementOptions {
  readonly find: (connectionId: string) => SocketConnection | undefined;
  readonly faults: EdgeFaults;
  /** Ends the functions' process. */
  readonly kill: () => void;
  /** Duration of a post, in ms. */
  readonly postMs: number;
  /** Called with each message that was written to a client. */
  readonly onPosted: (body: string) => void;
}

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly body?: object;
}

const GONE: Answer = { status: 410, error: "GoneException", body: {} };
const THROTTLED: Answer = { status: 429, error: "LimitExceededException", body: { message: "Too Many Requests" } };
const TOO_LARGE: Answer = { status: 413, error: "PayloadTooLargeException", body: { message: "Payload Too Large" } };
const FAILED: Answer = { status: 500, error: "InternalServerError", body: { message: "Internal Server Error" } };

const refusals = { gone: GONE, throttled: THROTTLED, failed: FAILED } as const;

const isRefusal = (fault: PostFault): fault is keyof typeof refusals => fault !== undefined && fault in refusals;

/** Undefined: no answer at all. */
async function post(
  options: ManagementOptions,
  connectionId: string,
  request: IncomingMessage,
): Promise<Answer | undefined> {
  const body = await buffer(request);
  if (options.postMs > 0) await delay(options.postMs);
  const text = body.toString("utf8");
  const fault = await options.faults.post(connectionId, text);
  if (isRefusal(fault)) return refusals[fault];
  if (fault === "silent") return undefined;
  if (body.length > MAXIMUM_MESSAGE_BYTES) return TOO_LARGE;
  if (!options.find(connectionId)?.send(text)) return GONE;
  options.onPosted(text);
  if (fault === "killed") options.kill();
  return fault === undefined ? { status: 200 } : undefined;
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

function remove({ faults }: ManagementOptions, connection: SocketConnection): Answer | undefined {
  const fault = faults.close(connection.context.connectionId);
  if (fault !== undefined) return fault === "failed" ? FAILED : undefined;
  connection.close();
  return { status: 204 };
}

async function answer(options: ManagementOptions, request: IncomingMessage): Promise<Answer | undefined> {
  const [, id] = /^\/[^/]+\/@connections\/([^/?]+)/.exec(decodeURI(request.url ?? "")) ?? [];
  if (id === undefined) return { status: 403, error: "ForbiddenException", body: { message: "Forbidden" } };
  const connectionId = decodeURIComponent(id);
  if (request.method === "POST") return post(options, connectionId, request);
  const connection = options.find(connectionId);
  if (!connection) return GONE;
  if (request.method === "GET") return get(connection);
  if (request.method === "DELETE") return remove(options, connection);
  return { status: 403, error: "ForbiddenException", body: { message: "Forbidden" } };
}

/** Serves `POST`, `GET` and `DELETE /<stage>/@connections/<id>`, as the AWS SDK's management client asks for them. */
export function createManagementEndpoint(options: ManagementOptions) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    answer(options, request).then(
      (result) => {
        request.resume();
        if (!result) return;
        const { status, error, body } = result;
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
