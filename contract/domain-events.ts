import * as z from "zod";
import { type Channel, channelDefinition, type Payload } from "./channels.ts";
import { describeIssue } from "./messages.ts";
import { marketPrice, trade } from "./payloads/market.ts";
import { orderBook } from "./payloads/order-book.ts";
import { eventId, text, userId, version, versionEpoch } from "./payloads/primitives.ts";
import { optional } from "./payloads/schemas.ts";
import { newsSignal, whaleSignal } from "./payloads/signals.ts";
import { copyTrade, notification, order, portfolio } from "./payloads/user.ts";
import type { StateChange } from "./state/state-change.ts";
import type { StateChannel } from "./state/state-formats.ts";
import { findSuspicions, type Suspicion } from "./suspicions.ts";
import { traceparent } from "./trace-context.ts";

/** One kind of event that a domain team puts on the bus, and the channel that it is published to. */
export interface DomainEventDefinition {
  readonly source: string;
  readonly detailType: string;
  readonly channel: Channel;
  readonly payload: z.ZodObject;
}

/** The domains, each with a publisher function of its own, and the events that each of them takes. */
export const domains = {
  "market-data": [
    { source: "vezta.market-data", detailType: "PriceChanged", channel: "market:prices", payload: marketPrice },
    { source: "vezta.market-data", detailType: "OrderBookChanged", channel: "market:orderbook", payload: orderBook },
    { source: "vezta.market-data", detailType: "TradeExecuted", channel: "market:trades", payload: trade },
  ],
  orders: [{ source: "vezta.orders", detailType: "OrderChanged", channel: "user:orders", payload: order }],
  notifications: [
    {
      source: "vezta.notifications",
      detailType: "NotificationCreated",
      channel: "user:notifications",
      payload: notification,
    },
  ],
  portfolio: [
    { source: "vezta.portfolio", detailType: "PortfolioChanged", channel: "user:portfolio", payload: portfolio },
  ],
  "copy-trading": [
    { source: "vezta.copy-trading", detailType: "CopyTradeExecuted", channel: "user:copy-trade", payload: copyTrade },
  ],
  signals: [
    { source: "vezta.signals", detailType: "NewsDetected", channel: "monitor:signals", payload: newsSignal },
    { source: "vezta.signals", detailType: "WhaleDetected", channel: "monitor:signals", payload: whaleSignal },
  ],
} as const satisfies Record<string, readonly DomainEventDefinition[]>;

export type Domain = keyof typeof domains;

export const domainNames = Object.keys(domains) as readonly Domain[];

/** Fields that a detail carries beside the payload. */
export const eventFields = z.object({
  /** The producer's own id of the event, kept over its retries. Without it the bus's id of the event counts. */
  eventId: optional(eventId),
  /** Orders the states of one thing (see `stateOf` in channels.ts). Without it the payload's `time` does. */
  version: optional(version),
  /** Says that the version is no time but the producer's own count, which starts anew with each epoch. */
  versionEpoch: optional(versionEpoch),
  /** A name for the change, passed on to clients. */
  event: optional(text(64)),
  /** The W3C trace context that the event was made in. One that is not valid is ignored. */
  traceparent,
});

export const privateEventFields = eventFields.extend({
  /** Whose it is: the `sub` of the user's token. */
  userId,
});

/** An event in the words of EventBridge, however it came (bus, stream, test). */
export interface DomainEvent {
  readonly source: string;
  readonly detailType: string;
  /** Unique to this event and kept over redeliveries. */
  readonly id: string;
  readonly detail: unknown;
}

/** One message for one stream of channel `C`, as a publisher takes it. */
export interface MessageOf<C extends Channel> {
  readonly channel: C;
  /** The market on a channel that is split by market, the user on a private one. */
  readonly key?: string;
  /** On a `state` channel the whole value; what changed of it is sent on. */
  readonly data: Payload<C>;
  /** A name for the change; clients get it beside the data. 1 to 64 characters. */
  readonly event?: string;
  /** The same for every attempt to publish this very message; 1 to 256 characters. */
  readonly eventId: string;
  /**
   * An older state of the same thing never follows a newer one. Without `versionEpoch` a time in milliseconds since 1970,
   * at most a minute ahead of Redis's clock; with it any number from 0 to 2^53-1. Not looked at on channels where each
   * message stands for itself.
   *
   * @default `data.time`
   */
  readonly version?: number;
  /**
   * Names the run of the producer's own sequence numbers that `version` belongs to, 1 to 64 characters: another one each
   * time that the count starts anew. Send it always or never for one thing.
   *
   * @default - the version is a time
   */
  readonly versionEpoch?: string;
  /**
   * The suspicions about the event that the message was made of, for the metrics.
   *
   * @default - found in `data`
   */
  readonly suspicions?: readonly Suspicion[];
  /**
   * The W3C trace context of the message (`00-<trace>-<span>-<flags>`). The services that pass a sampled one on record what
   * they did; any other is ignored.
   *
   * @default - the message is not traced
   */
  readonly traceparent?: string | undefined;
}

/**
 * A change of a stream of a `state` channel, by a publisher that does not have the whole value. Where it is refused
 * with an InvalidMessageError that asks for it, publish the whole value once and go on.
 */
export interface ChangesOf<C extends StateChannel> extends Omit<MessageOf<C>, "data"> {
  /** All fields of the value beside its rows, and each row that changed: see docs/events.md for the keys. */
  readonly changes: StateChange;
  /**
   * The id of the entry that the changes follow, from the outcome of publishing it: where another entry is the newest one,
   * they are refused.
   *
   * @default - they apply to whatever is the newest value
   */
  readonly base?: string;
  readonly data?: undefined;
}

/** One message for one stream of any channel. */
export type ChannelMessage = { [C in Channel]: MessageOf<C> }[Channel];

/** The argument of `publish()`: a message or, on a `state` channel, a change. */
export type ChannelUpdate = ChannelMessage | { [C in StateChannel]: ChangesOf<C> }[StateChannel];

/** Thrown for an event that does not match any channel; a retry cannot succeed. */
export class InvalidEventError extends Error {
  override readonly name = "InvalidEventError";
}

function findDefinition(domain: Domain, { source, detailType, id }: DomainEvent): DomainEventDefinition {
  const found = domains[domain].find((entry) => entry.source === source && entry.detailType === detailType);
  if (found) return found;
  const known = domains[domain].map((entry) => `${entry.source}/${entry.detailType}`).join(", ");
  throw new InvalidEventError(`event ${id}: domain ${domain} takes ${known}, not ${source}/${detailType}`);
}

/** @throws InvalidEventError with the first problem of a detail. */
function parseDetail<T>(schema: z.ZodType<T>, { id, detailType, detail }: DomainEvent): T {
  const parsed = schema.safeParse(detail);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const subject = issue && issue.path.length > 0 ? "detail." : "detail: ";
  throw new InvalidEventError(`event ${id} (${detailType}): ${subject}${describeIssue(parsed.error)}`);
}

/**
 * Parses a domain event into the message to publish, its data in canonical form. Versions are compared with Redis's clock
 * where it is published.
 *
 * @throws InvalidEventError that names the event, the field and what is wrong with it.
 */
export function parseDomainEvent(domain: Domain, event: DomainEvent): ChannelMessage {
  const { channel, payload } = findDefinition(domain, event);
  const { access, key } = channelDefinition(channel);
  const fields = parseDetail<z.infer<typeof eventFields> & { readonly userId?: string }>(
    access === "private" ? privateEventFields : eventFields,
    event,
  );
  const data = parseDetail(payload, event);
  const streamKey = key === "user" ? fields.userId : key === "marketId" ? (data.marketId as string) : undefined;
  const message = {
    channel,
    key: streamKey,
    data,
    event: fields.event,
    eventId: fields.eventId ?? event.id,
    version: fields.version,
    versionEpoch: fields.versionEpoch,
    suspicions: findSuspicions(channel, event.detail, data),
    traceparent: fields.traceparent,
  };
  // The definition pairs the channel with its payload's schema; the compiler cannot follow that through a look-up.
  return message as ChannelMessage;
}
