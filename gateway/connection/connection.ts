import { describeError, subscriptionEnded, tokenExpired, tokenReplaced } from "../../contract/answers.ts";
import type { Channel } from "../../contract/channels.ts";
import { ChannelError } from "../../contract/errors.ts";
import {
  type Acknowledge,
  type ErrorMessage,
  parseAuthenticate,
  parseSubscribe,
  parseUnsubscribe,
  type UnsubscribeRequest,
} from "../../contract/messages.ts";
import type { Topic } from "../../contract/stream.ts";
import { asError } from "../../kernel/as-error.ts";
import type { Identity, VerifyToken } from "../../kernel/auth/token-verifier.ts";
import { describeUnsubscribed, toRefusal } from "../../kernel/protocol/answers.ts";
import { describeAuthenticated, identify, isSameUser } from "../../kernel/protocol/authentication.ts";
import type { FanOut } from "../fan-out/fan-out.ts";
import type { Metrics } from "../metrics.ts";
import { terminate } from "../socket-io/engine-connection.ts";
import type { GatewaySocket } from "../socket-io/socket.ts";
import type { StreamHub } from "../streams/stream-hub.ts";
import { Subscriptions } from "./subscriptions.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Requests that one connection may make: a page with hundreds of markets opens at once, and few follow. */
const REQUEST_LIMIT = { rate: 50, burst: 1_000 };

/** Requests that may be queued behind the ones before them. */
const MAXIMUM_WAITING = 1_000;

/** Time in which a slow consumer can read that its connection is closed, in ms. */
const CLOSE_GRACE_MS = 2_000;

const requestEvents = ["subscribe", "unsubscribe", "authenticate"] as const;

type RequestEvent = (typeof requestEvents)[number];

/** The parts that all connections of a gateway share. */
export interface ConnectionServices {
  readonly hub: StreamHub;
  readonly fanOut: FanOut;
  readonly verifyToken: VerifyToken;
  readonly metrics: Metrics;
  readonly maximumSubscriptions: number;
  readonly onError: (error: Error, stage: string) => void;
}

interface Request {
  readonly event: RequestEvent;
  readonly value: unknown;
  /** The client's callback; called with the message of the event that answers the request. */
  readonly acknowledge: Acknowledge<object> | undefined;
}

/** Serves one client: takes its requests one after the other and answers each, valid or not. */
export class Connection {
  readonly #socket: GatewaySocket;
  readonly #services: ConnectionServices;
  readonly #subscriptions: Subscriptions;
  readonly #bucket = new TokenBucket(REQUEST_LIMIT);
  #expiry: NodeJS.Timeout | undefined;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(socket: GatewaySocket, services: ConnectionServices) {
    this.#socket = socket;
    this.#services = services;
    const { hub, fanOut, maximumSubscriptions: maximum } = services;
    const member = fanOut.connect(socket.conn, () => this.#endSlow());
    const onEnded = (topic: Topic, reason: unknown): void => {
      const error = this.#refusalOf(reason, "subscribe");
      services.metrics.subscriptionsEnded.inc({ code: error.code });
      socket.emit("error", subscriptionEnded(topic, error));
    };
    this.#subscriptions = new Subscriptions({ socket, hub, fanOut, member, maximum, onEnded });
    for (const event of requestEvents) socket.on(event, (...values: unknown[]) => this.#receive(event, values));
    services.metrics.connections.inc();
    socket.on("disconnect", () => this.#close());
    this.#watchExpiry(socket.data.identity);
  }

  /** Takes a request: limited, and served in the order in which the client sent it. */
  #receive(event: RequestEvent, values: readonly unknown[]): void {
    const [request] = values;
    const last = values.at(-1);
    const acknowledge = typeof last === "function" ? (last as Acknowledge<object>) : undefined;
    const received = { event, value: typeof request === "function" ? undefined : request, acknowledge };
    if (this.#bucket.take() && this.#waiting < MAXIMUM_WAITING) this.#enqueue(received);
    else this.#refuse(received, new ChannelError("rate_limited", "too many requests"));
  }

  /** Serves the request in the turn in which it came, unless others are before it. */
  #enqueue(request: Request): void {
    const serving = this.#waiting === 0 ? this.#serve(request) : this.#tail.then(() => this.#serve(request));
    this.#waiting += 1;
    this.#tail = serving.then(() => {
      this.#waiting -= 1;
    });
  }

  async #serve(request: Request): Promise<void> {
    try {
      await this.#perform(request);
      this.#services.metrics.requests.inc({ event: request.event, result: "ok" });
    } catch (error) {
      this.#refuse(request, this.#refusalOf(error, request.event));
    }
  }

  #perform({ event, value, acknowledge }: Request): Promise<void> | void {
    switch (event) {
      case "subscribe":
        return this.#subscriptions.subscribe(parseSubscribe(value), acknowledge);
      case "unsubscribe":
        return this.#unsubscribe(parseUnsubscribe(value), acknowledge);
      case "authenticate":
        return this.#authenticate(parseAuthenticate(value).token, acknowledge);
      default:
        event satisfies never;
    }
  }

  #refuse({ event, value, acknowledge }: Request, error: ChannelError): void {
    this.#services.metrics.requests.inc({ event, result: error.code });
    const message = describeError(error, value);
    this.#socket.emit("error", message);
    acknowledge?.(message);
  }

  #unsubscribe(request: UnsubscribeRequest, acknowledge: Acknowledge<object> | undefined): void {
    this.#subscriptions.unsubscribe(request);
    const message = describeUnsubscribed(request);
    this.#socket.emit("unsubscribed", message);
    acknowledge?.(message);
  }

  /** Returns the error for the client, and reports whatever the client must not see. */
  #refusalOf(error: unknown, event: RequestEvent): ChannelError {
    if (!(error instanceof ChannelError)) this.#services.onError(asError(error), event);
    return toRefusal(error);
  }

  async #authenticate(token: string | null, acknowledge: Acknowledge<object> | undefined): Promise<void> {
    const identity = await identify(token, this.#services.verifyToken);
    const { data } = this.#socket;
    if (!isSameUser(data.identity, identity)) this.#endPrivate(tokenReplaced);
    data.identity = identity;
    this.#watchExpiry(identity);
    const message = describeAuthenticated(identity);
    this.#socket.emit("authenticated", message);
    acknowledge?.(message);
  }

  #watchExpiry(identity: Identity | undefined): void {
    clearTimeout(this.#expiry);
    if (!identity) return;
    this.#expiry = setTimeout(() => {
      this.#socket.data.identity = undefined;
      this.#endPrivate(tokenExpired);
    }, identity.expiresAt - Date.now());
    this.#expiry.unref();
  }

  #endPrivate(describe: (channel: Channel) => ErrorMessage): void {
    for (const channel of this.#subscriptions.leavePrivate()) {
      const message = describe(channel);
      this.#services.metrics.subscriptionsEnded.inc({ code: message.code });
      this.#socket.emit("error", message);
    }
  }

  /** Closes the connection of a slow consumer. It resumes by its ids once it is back: nothing is lost to it. */
  #endSlow(): void {
    const { conn } = this.#socket;
    const message = "send buffer limit exceeded; reconnect and resume";
    this.#services.metrics.slowConsumers.inc();
    this.#socket.emit("error", { code: "slow_consumer", message });
    conn.close();
    // A client that does not read would otherwise keep its connection, and what the kernel holds for it.
    setTimeout(() => terminate(conn), CLOSE_GRACE_MS).unref();
  }

  #close(): void {
    this.#services.metrics.connections.dec();
    clearTimeout(this.#expiry);
    this.#subscriptions.close();
  }
}
