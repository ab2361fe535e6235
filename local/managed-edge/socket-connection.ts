import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import { requestEvents } from "../../contract/managed-edge.ts";

/** The most that a frame from a client may hold, in bytes. */
const MAXIMUM_FRAME_BYTES = 32 * 1_024;

const GOING_AWAY = 1_001;
const TOO_LARGE = 1_009;

/** The connection's part of each event that handlers get. */
export interface SocketContext {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly authorizer: Readonly<Record<string, string>>;
  readonly request: IncomingMessage;
}

export interface SocketLimits {
  /** Silence after which a connection is ended, in ms. */
  readonly idleMs: number;
  /** Age at which a connection is ended, in ms. */
  readonly lifetimeMs: number;
}

export interface Route {
  readonly eventType: "CONNECT" | "MESSAGE" | "DISCONNECT";
  /** Of a message. */
  readonly routeKey?: string;
}

/** API Gateway's ids: short, opaque, and with a character that a URL has to encode. */
export const newConnectionId = (): string => `${randomBytes(11).toString("base64url")}=`;

function routeOf(text: string): string {
  try {
    const { event } = JSON.parse(text) as { event?: unknown };
    return requestEvents.find((name) => name === event) ?? "$default";
  } catch {
    return "$default";
  }
}

/** The event of one route, as API Gateway makes it. */
export function toRouteEvent(
  context: SocketContext,
  { eventType, routeKey = `$${eventType.toLowerCase()}` }: Route,
  content: Readonly<Record<string, unknown>>,
) {
  const { connectionId, connectedAt, authorizer, request } = context;
  return {
    isBase64Encoded: false,
    ...content,
    requestContext: {
      routeKey,
      eventType,
      connectionId,
      connectedAt,
      authorizer,
      apiId: "local",
      stage: "local",
      domainName: request.headers.host,
      requestId: newConnectionId(),
      extendedRequestId: newConnectionId(),
      requestTimeEpoch: Date.now(),
      messageDirection: "IN",
      identity: { sourceIp: request.socket.remoteAddress, userAgent: request.headers["user-agent"] },
      ...(eventType === "MESSAGE" ? { messageId: newConnectionId() } : {}),
    },
  };
}

interface SocketOptions {
  readonly context: SocketContext;
  readonly socket: WebSocket;
  readonly limits: SocketLimits;
  /** Called with each message and its route; a rejection is a failed integration. */
  readonly onMessage: (routeKey: string, body: string) => Promise<void>;
  readonly onClose: (code: number) => void;
}

/** One open connection: routes what the client sends, and ends it when API Gateway would. */
export class SocketConnection {
  readonly context: SocketContext;
  readonly #socket: WebSocket;
  readonly #idleMs: number;
  readonly #lifetime: NodeJS.Timeout;
  #idle: NodeJS.Timeout | undefined;
  lastActiveAt = Date.now();

  constructor({ context, socket, limits, onMessage, onClose }: SocketOptions) {
    this.context = context;
    this.#socket = socket;
    this.#idleMs = limits.idleMs;
    this.#lifetime = setTimeout(() => this.close(GOING_AWAY), limits.lifetimeMs);
    this.#lifetime.unref();
    this.#touch();
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      clearTimeout(this.#lifetime);
      clearTimeout(this.#idle);
      onClose(code);
    });
    socket.on("message", (data, isBinary) => {
      this.#touch();
      const body = data.toString();
      if (Buffer.byteLength(body) > MAXIMUM_FRAME_BYTES) return this.close(TOO_LARGE);
      const routeKey = isBinary ? "$default" : routeOf(body);
      onMessage(routeKey, body).catch(() => this.send(this.#failure()));
    });
  }

  /** Resolves with true once the message is written to the client. */
  send(body: string): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#touch();
    this.#socket.send(body);
    return true;
  }

  close(code = 1_000): void {
    this.#socket.close(code);
  }

  #failure(): string {
    const { connectionId } = this.context;
    return JSON.stringify({ message: "Internal server error", connectionId, requestId: newConnectionId() });
  }

  #touch(): void {
    this.lastActiveAt = Date.now();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(GOING_AWAY), this.#idleMs);
    this.#idle.unref();
  }
}
