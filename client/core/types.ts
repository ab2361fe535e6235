import type { Channel, Payload } from "../../contract/channels.ts";
import type { ChannelError } from "../../contract/errors.ts";
import type { BackoffOptions } from "./timing/backoff.ts";

/** The connection as a whole. */
export type ConnectionStatus = "disconnected" | "connecting" | "connected";

/**
 * One subscription:
 * - `subscribing`: nothing has come yet.
 * - `live`: the service confirmed the subscription, and the application has everything that the service had.
 * - `resuming`: the connection was lost, the service ended the subscription, or something is missing; what is missed
 *   meanwhile comes before it is `live` again.
 * - `stale`: neither a message nor a heartbeat came for `staleAfterMs`, or the device is offline. What is shown may be
 *   old.
 * - `error`: refused; `onError` said why. It recovers where a new token, a new connection or fewer subscriptions allow.
 */
export type SubscriptionStatus = "subscribing" | "live" | "resuming" | "stale" | "error";

/** Which of the two services is at the other end: the Socket.IO gateway, or the managed one (plain WebSocket). */
export type Edge = "gateway" | "managed";

/** Null and the empty text mean an anonymous connection, which has the public channels. */
export type Token = string | null | (() => string | null | Promise<string | null>);

/** One message of channel `C`, as the application gets it. */
export interface Message<C extends Channel = Channel> {
  readonly channel: C;
  /** On a channel that is split by market. */
  readonly marketId?: string;
  /** A name that the publisher gave the change, where it gave one. */
  readonly event?: string;
  readonly data: Payload<C>;
  /** This message's id in its stream. */
  readonly id: string;
  /** The id of the message before it. */
  readonly prev: string;
}

/** Messages that the service no longer holds, or a stream that it lost the newest messages of: load what they would have said from the source. */
export interface Gap {
  readonly channel: Channel;
  readonly marketId?: string;
  /** The last id before the gap. */
  readonly after: string;
}

export interface SubscribeOptions<C extends Channel> {
  /** One market of a channel that is split by market, 1 to 128 characters. Without it: all of them. */
  readonly marketId?: string;
  /**
   * Where to begin: what came after this id is delivered first. `"0-0"` is all that is held. On a whole channel a map
   * of ids by market, or `"0-0"`. Without it: the last value on `latest` channels, what comes on the others.
   */
  readonly lastId?: string | Readonly<Record<string, string>>;
  /** Most messages a second and market, on `latest` channels alone: the newest value counts, the others are skipped. */
  readonly maxRate?: number;
  /** Called with every message once, in the order of its stream. */
  readonly onMessage: (message: Message<C>) => void;
  /** Called with every change of `subscription.status`. */
  readonly onStatus?: (status: SubscriptionStatus) => void;
  /** Called when the subscription is refused or ended by the service. */
  readonly onError?: (error: ChannelError) => void;
  /** Called before the next message where something before it is lost for good. Never on `latest` channels. */
  readonly onGap?: (gap: Gap) => void;
}

/** A subscription as its holder sees it. */
export interface Subscription {
  readonly channel: Channel;
  readonly marketId?: string | undefined;
  readonly status: SubscriptionStatus;
  /** Ends it; nothing is delivered any more. Calling it again does nothing. */
  close(): void;
}

export interface RealtimeClientOptions {
  /** `https://host` (the gateway) or `wss://host/stage` (the managed edge). */
  readonly url: string;
  /** @default by the URL: `ws:` and `wss:` are `managed`, everything else is `gateway` */
  readonly edge?: Edge;
  /** A function is called for each connection, and again for the renewal before the token expires. @default null */
  readonly token?: Token;
  /** Waits between attempts to connect. @default from 1 s to 30 s */
  readonly backoff?: BackoffOptions;
  /** How long the token function may take, in ms. @default 10_000 */
  readonly tokenTimeoutMs?: number;
  /** Silence after which a subscription is `stale`, in ms. @default 15_000 on the gateway, 75_000 on the managed edge */
  readonly staleAfterMs?: number;
  /** How long an attempt to connect may take, in ms. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** Managed edge: time between pings, in ms, each answered by heartbeats. @default 60_000 */
  readonly pingIntervalMs?: number;
  /** Managed edge: age at which a connection is replaced, in ms; API Gateway ends it at two hours. @default 6_600_000 */
  readonly connectionLifetimeMs?: number;
  /** Whether to connect at once; otherwise `resume()` begins. @default true */
  readonly autoConnect?: boolean;
  /**
   * Called with what goes wrong in the background and is tried again: refused tokens, failed connections (each a
   * `ConnectionError`), broken frames.
   */
  readonly onError?: (error: Error) => void;
}
