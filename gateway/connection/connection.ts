import { ChannelError } from "../../contract/errors.ts";
import {
  type AuthenticatedMessage,
  type ErrorMessage,
  parseAuthenticate,
  parseSubscribe,
  parseUnsubscribe,
  type ServerToClientEvents,
} from "../../contract/frames.ts";
import type { Identity, VerifyToken } from "../../contract/server/token-verifier.ts";
import { terminate } from "../fan-out/engine-connection.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { Metrics } from "../metrics.ts";
import type { StreamHub } from "../streams/stream-hub.ts";
import type { GatewaySocket } from "./socket.ts";
import { Subscriptions } from "./subscriptions.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Requests that one connection may make: a page with hundreds of markets opens at once, and few follow. */
const REQUEST_LIMIT = { rate: 50, burst: 1_000 };

/** Requests that may wait for the ones before them. */
const MAXIMUM_WAITING = 1_000;

/** How long a slow client may take to read that its connection is closed, in ms. */
const CLOSE_GRACE_MS = 2_000;

type RequestEvent = "subscribe" | "unsubscribe" | "authenticate";

export interface ConnectionOptions {
  readonly socket: GatewaySocket;
  readonly hub: StreamHub;
  readonly fanOut: FanOut;
  readonly verifyToken: VerifyToken;
  readonly metrics: Metrics;
  readonly maximumSubscriptions: number;
  readonly onError: (error: Error, stage: string) => void;
}

function toErrorMessage(error: ChannelError, request: unknown): ErrorMessage {
  const channel = typeof request === "object" && request !== null && "channel" in request ? request.channel : undefined;
  const { code, message } = error;
  return typeof channel === "string" && channel.length <= 64 ? { code, message, channel } : { code, message };
}

/** Serves one client: takes its requests one after the other and answers each, whatever it is. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #subscriptions: Subscriptions;
  readonly #bucket = new TokenBucket(REQUEST_LIMIT);
  #expiry: NodeJS.Timeout | undefined;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { socket, hub, fanOut, maximumSubscriptions: maximum } = options;
    const member = fanOut.connect(socket.conn, () => this.#endSlow());
    this.#subscriptions = new Subscriptions({ socket, hub, fanOut, member, maximum });
    this.#handle("subscribe", (request, answer) =>
      this.#subscriptions.subscribe(parseSubscribe(request), (message) => answer("subscribed", message)),
    );
    this.#handle("unsubscribe", async (request, answer) => {
      const parsed = parseUnsubscribe(request);
      this.#subscriptions.unsubscribe(parsed);
      answer("unsubscribed", { channel: parsed.channel, marketId: parsed.marketId });
    });
    this.#handle("authenticate", async (request, answer) => {
      answer("authenticated", await this.#authenticate(parseAuthenticate(request).token));
    });
    socket.on("disconnect", () => this.#close());
    this.#watchExpiry(socket.data.identity);
  }

  /** Registers a request: guarded, limited, and done in the order in which the client sent it. */
  #handle(
    event: RequestEvent,
    run: (request: unknown, answer: (event: keyof ServerToClientEvents, message: object) => void) => Promise<void>,
  ): void {
    const { socket, metrics } = this.#options;
    socket.on(event, (...values: unknown[]) => {
      const [request] = values;
      const last = values.at(-1);
      const acknowledge = typeof last === "function" ? last : undefined;
      const answer = (name: keyof ServerToClientEvents, message: object): void => {
        socket.emit(name, message as never);
        acknowledge?.(message);
      };
      const task = async (): Promise<void> => {
        try {
          await run(typeof request === "function" ? undefined : request, answer);
          metrics.requests.inc({ event, result: "ok" });
        } catch (error) {
          const shown = this.#toChannelError(error, event);
          metrics.requests.inc({ event, result: shown.code });
          answer("error", toErrorMessage(shown, request));
        }
      };
      if (this.#bucket.take() && this.#waiting < MAXIMUM_WAITING) this.#enqueue(task);
      else {
        metrics.requests.inc({ event, result: "rate_limited" });
        answer("error", toErrorMessage(new ChannelError("rate_limited", "too many requests"), request));
      }
    });
  }

  #enqueue(task: () => Promise<void>): void {
    this.#waiting += 1;
    this.#tail = this.#tail.then(task).finally(() => {
      this.#waiting -= 1;
    });
  }

  #toChannelError(error: unknown, event: RequestEvent): ChannelError {
    if (error instanceof ChannelError) return error;
    this.#options.onError(error instanceof Error ? error : new Error(String(error)), event);
    return new ChannelError("internal", "the request failed");
  }

  async #authenticate(token: string | null): Promise<AuthenticatedMessage> {
    const { socket, verifyToken } = this.#options;
    const identity = token === null ? undefined : await verifyToken(token);
    if (identity?.sub !== socket.data.identity?.sub) this.#endPrivate("unauthorized", "the token was replaced");
    socket.data.identity = identity;
    this.#watchExpiry(identity);
    return identity ? { sub: identity.sub, expiresAt: identity.expiresAt } : { sub: null };
  }

  #watchExpiry(identity: Identity | undefined): void {
    clearTimeout(this.#expiry);
    if (!identity) return;
    this.#expiry = setTimeout(() => {
      this.#options.socket.data.identity = undefined;
      this.#endPrivate("token_expired", "the token has expired; authenticate and subscribe again");
    }, identity.expiresAt - Date.now());
    this.#expiry.unref();
  }

  #endPrivate(code: "unauthorized" | "token_expired", message: string): void {
    for (const channel of this.#subscriptions.leavePrivate()) {
      this.#options.socket.emit("error", { code, message, channel });
    }
  }

  /** The client resumes by its ids once it is back: nothing of what waited is lost to it. */
  #endSlow(): void {
    const { socket, metrics } = this.#options;
    metrics.slowConsumers.inc();
    socket.emit("error", { code: "slow_consumer", message: "too much waits for this connection; resume after it" });
    socket.conn.close();
    // A client that does not read would keep its connection, and what the kernel holds for it, for ever.
    setTimeout(() => terminate(socket.conn), CLOSE_GRACE_MS).unref();
  }

  #close(): void {
    clearTimeout(this.#expiry);
    this.#subscriptions.close();
  }
}
