import type { z } from "zod";
import { marketPrice, trade } from "./payloads/market.ts";
import { orderBook } from "./payloads/order-book.ts";
import { monitorSignal } from "./payloads/signals.ts";
import { copyTrade, notification, order, portfolio } from "./payloads/user.ts";

/**
 * The delivery class of a channel:
 * - `latest`: only the newest value per key matters. May be conflated; never an old value after a new one.
 * - `ordered`: every message, in order, never conflated.
 * - `durable`: as `ordered`, kept long enough for a user who was away.
 * - `state`: as `latest`, of a value too large to send whole each time: what changed is sent, and the value is put together
 *   at the receiver. Its format is declared in state/state-formats.ts.
 */
export type Delivery = "latest" | "ordered" | "durable" | "state";

/**
 * The bounds of what a stream keeps. Both hold: the oldest entries are trimmed, and a stream without a publish for this
 * long expires.
 */
export interface History {
  /** Number of newest entries kept, at least 1. */
  readonly entries: number;
  /** Seconds after the last publish at which the whole stream expires. */
  readonly seconds: number;
}

/**
 * The entity whose whole state one message is, so that an older state must not follow a newer one:
 * - `stream`: the subject of the stream, such as the price of a market or a user's portfolio.
 * - `data.id`: the entity that `data.id` names, such as an order. A stream has many of them.
 * - `nothing`: each message is independent, and all of them count.
 */
export type StateOf = "stream" | "data.id" | "nothing";

export interface ChannelDefinition {
  /** `public`: anyone. `private`: the user that the token's `sub` names, own messages only. */
  readonly access: "public" | "private";
  /** The key that splits the channel into streams: a market, the user, or none (one stream). */
  readonly key: "marketId" | "user" | "none";
  readonly delivery: Delivery;
  readonly history: History;
  /** Selects the messages whose versions are compared when they are published. `latest` needs `stream`. */
  readonly stateOf: StateOf;
  /**
   * Seconds for which an event id is remembered at least (and twice that at most), so that a retry is not published
   * twice. At least as long as the event source may retry. `latest` channels need none: they have the version guard.
   */
  readonly dedupeSeconds: number;
  readonly payload: z.ZodType<object>;
}

const MINUTE = 60;
const DAY = 86_400;

const userChannel = {
  access: "private",
  key: "user",
  delivery: "durable",
  history: { entries: 1_000, seconds: DAY },
  dedupeSeconds: DAY,
} as const;

/**
 * Every channel of the platform. Names, schemas, access, publishing, subscriptions and infrastructure follow from the
 * entry. The event that leads to it is declared in domain-events.ts; the compiler names what else a new entry takes
 * (CONTRIBUTING.md, "Adding a channel").
 */
export const channels = {
  "market:prices": {
    access: "public",
    key: "marketId",
    delivery: "latest",
    stateOf: "stream",
    history: { entries: 1, seconds: DAY },
    dedupeSeconds: 0,
    payload: marketPrice,
  },
  "market:orderbook": {
    access: "public",
    key: "marketId",
    delivery: "state",
    stateOf: "stream",
    history: { entries: 100, seconds: DAY },
    dedupeSeconds: 0,
    payload: orderBook,
  },
  "market:trades": {
    access: "public",
    key: "marketId",
    delivery: "ordered",
    stateOf: "nothing",
    history: { entries: 300, seconds: DAY },
    dedupeSeconds: 10 * MINUTE,
    payload: trade,
  },
  "monitor:signals": {
    access: "public",
    key: "none",
    delivery: "ordered",
    stateOf: "nothing",
    history: { entries: 300, seconds: DAY },
    dedupeSeconds: DAY,
    payload: monitorSignal,
  },
  "user:orders": { ...userChannel, stateOf: "data.id", payload: order },
  "user:notifications": { ...userChannel, stateOf: "nothing", payload: notification },
  "user:portfolio": {
    ...userChannel,
    delivery: "state",
    stateOf: "stream",
    history: { entries: 100, seconds: DAY },
    payload: portfolio,
  },
  "user:copy-trade": { ...userChannel, stateOf: "data.id", payload: copyTrade },
} as const satisfies Record<string, ChannelDefinition>;

export type Channel = keyof typeof channels;

/** The type of `data` in a message on channel `C`. */
export type Payload<C extends Channel> = z.infer<(typeof channels)[C]["payload"]>;

export const channelNames = Object.keys(channels) as readonly Channel[];

/** Returns true for the name of a channel; false for anything else, also for names such as `__proto__`. */
export const isChannel = (name: unknown): name is Channel => typeof name === "string" && Object.hasOwn(channels, name);

/** Returns true where only the newest value of a stream counts, so that those before it may be left out. */
export const isConflated = (channel: Channel): boolean => ["latest", "state"].includes(channels[channel].delivery);

/** Returns the definition of a channel, its literal types widened so that every channel can be treated alike. */
export const channelDefinition = (channel: Channel): ChannelDefinition => channels[channel];
