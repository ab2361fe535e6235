import type { Channel, Payload } from "../../contract/channels.ts";
import type { ChannelError } from "../../contract/errors.ts";
import type { Depth } from "../../contract/limits.ts";
import type { BackoffOptions } from "./timing/backoff.ts";

/** The status of the connection. */
export type ConnectionStatus = "disconnected" | "connecting" | "connected";

/**
 * The status of a subscription:
 * - `subscribing`: nothing has arrived yet.
 * - `live`: the service confirmed the subscription, and the application has everything that the service had.
 * - `resuming`: the connection was lost, the service ended the subscription, or messages are missing. They are delivered
 *   before it is `live` again.
 * - `stale`: neither a message nor a heartbeat arrived for `staleAfterMs`, or the device is offline. The data may be old.
 * - `error`: refused, with the reason passed to `onError`. A new token, a new connection or fewer subscriptions may help.
 */
export type SubscriptionStatus = "subscribing" | "live" | "resuming" | "stale" | "error";

/** The kind of service at the URL: the Socket.IO gateway, or the managed edge (plain WebSocket). */
export type Edge = "gateway" | "managed";

/** A JWT or a function that returns one. Null and "" mean an anonymous connection, which has the public channels. */
export type Token = string | null | (() => string | null | Promise<string | null>);

/** The `data` of a message: an order book has both outcomes, also where the service sends one of them alone. */
export type MessageData<C extends Channel> = C extends "market:orderbook"
  ? Payload<C> & { readonly no: Payload<C>["yes"] }
  : Payload<C>;

/** One message of channel `C`. */
export interface Message<C extends Channel = Channel> {
  readonly channel: C;
  /** Present on a channel that is split by market. */
  readonly marketId?: string;
  /** The publisher's name for the change, if it gave one. */
  readonly event?: string;
  /** On the state channels (`market:orderbook`, `user:portfolio`) the whole value; what did not change is the same object. */
  readonly data: MessageData<C>;
  /**
   * On the state channels: the keys of the rows that changed since the message before it, such as `yes.bids.0.42` or
   * `no:polymarket:m1`. Undefined on the first value, of which everything is new.
   */
  readonly changed?: readonly string[];
  /** The id of this message in its stream. */
  readonly id: string;
  /** The id of the message before it. */
  readonly prev: string;
}

/** Messages that are lost for good, because the service no longer holds them or lost them: load their data from the source. */
export interface Gap {
  readonly channel: Channel;
  readonly marketId?: string;
  /** The last id before the gap. */
  readonly after: string;
}

export interface SubscribeOptions<C extends Channel> {
  /** One market of a channel that is split by market, 1 to 128 characters. @default all markets */
  readonly marketId?: string;
  /**
   * The position to start after: messages after this id are delivered first. `"0-0"` delivers all that the service holds.
   * On a whole channel a map of ids by market, or `"0-0"`.
   *
   * @default the last value on `latest` and `state` channels, new messages on the others
   */
  readonly lastId?: string | Readonly<Record<string, string>>;
  /** Most messages per second and market, only on `latest` and `state` channels: older values in between are skipped. */
  readonly maxRate?: number;
  /**
   * On `market:orderbook`, for one market: the number of price levels a side, the best ones. Messages that change nothing
   * of them are left out.
   *
   * @default all levels
   */
  readonly depth?: Depth;
  /** Called once with every message, in the order of its stream. */
  readonly onMessage: (message: Message<C>) => void;
  /** Called with every change of `subscription.status`. */
  readonly onStatus?: (status: SubscriptionStatus) => void;
  /** Called when the service refuses or ends the subscription. */
  readonly onError?: (error: ChannelError) => void;
  /** Called before the next message if messages before it are lost for good. Never called on `latest` and `state` channels. */
  readonly onGap?: (gap: Gap) => void;
}

/** A subscription, as `subscribe` returns it. */
export interface Subscription {
  readonly channel: Channel;
  readonly marketId?: string | undefined;
  readonly status: SubscriptionStatus;
  /** Ends the subscription: no listener is called any more. Calling it again does nothing. */
  close(): void;
}

/** Counts since the client was created. */
export interface ClientStatistics {
  /** Messages of state channels that led to the publisher's value: their sum proves all rows of it. */
  readonly verifiedStates: number;
  /**
   * Messages of state channels that were malformed or did not lead to the publisher's value. None of them was shown: the
   * client asked for the whole value of the stream each time.
   */
  readonly wrongStates: number;
}

export interface RealtimeClientOptions {
  /** `https://host` (the gateway) or `wss://host/stage` (the managed edge). */
  readonly url: string;
  /** @default by the URL: `ws:` and `wss:` are `managed`, everything else is `gateway` */
  readonly edge?: Edge;
  /** A function is called for each connection, and before the token expires to renew it. @default null */
  readonly token?: Token;
  /** Waits between attempts to connect. @default 1 s to 30 s */
  readonly backoff?: BackoffOptions;
  /** Time limit of the token function, in ms. @default 10_000 */
  readonly tokenTimeoutMs?: number;
  /** Time without a message or heartbeat after which a subscription is `stale`, in ms. @default 15_000 on the gateway, 75_000 on the managed edge */
  readonly staleAfterMs?: number;
  /** Time limit of an attempt to connect, in ms. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** Managed edge: time between pings, in ms, which the service answers with heartbeats. @default 60_000 */
  readonly pingIntervalMs?: number;
  /** Managed edge: age at which a connection is replaced, in ms; API Gateway closes it at two hours. @default 6_600_000 */
  readonly connectionLifetimeMs?: number;
  /** True to connect immediately; otherwise call `resume()`. @default true */
  readonly autoConnect?: boolean;
  /**
   * Called with failures in the background that the client retries: refused tokens, failed connections (each a
   * `ConnectionError`), malformed messages of the service, and what listeners of the application throw.
   */
  readonly onError?: (error: Error) => void;
}
