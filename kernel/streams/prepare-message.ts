import * as z from "zod";
import { type Channel, channelDefinition, isChannel } from "../../contract/channels.ts";
import type { ChannelUpdate } from "../../contract/domain-events.ts";
import { ENTRY_ID } from "../../contract/ids.ts";
import { isRecord } from "../../contract/is-record.ts";
import { describeIssue } from "../../contract/messages.ts";
import type { OrderBook } from "../../contract/payloads/order-book.ts";
import { eventId, text, userId, version, versionEpoch } from "../../contract/payloads/primitives.ts";
import type { Portfolio } from "../../contract/payloads/user.ts";
import type { RowValue, StateChange } from "../../contract/state/state-change.ts";
import type { StateFormat } from "../../contract/state/state-format.ts";
import { stateFormat } from "../../contract/state/state-formats.ts";
import type { Stream } from "../../contract/stream.ts";
import { findSuspicions, type Suspicion, suspicions } from "../../contract/suspicions.ts";
import { traceparent } from "../../contract/trace-context.ts";
import { parseByKnownLevels } from "./known-levels.ts";
import { parseByKnownPositions } from "./known-positions.ts";
import { InvalidMessageError } from "./publish-errors.ts";

/** Largest message, in bytes of JSON: API Gateway's limit of a WebSocket message (128 KB), less an envelope. */
export const MAXIMUM_BODY_BYTES = 120_000;

/** Most bytes of a value beside its rows. */
export const HEAD_BYTES = 4_000;

const messageSchema = z
  .object({
    channel: z.string().refine(isChannel, "there is no channel of that name"),
    // A market's is shorter: the payload says so.
    key: userId.optional(),
    data: z.custom<Record<string, unknown>>(isRecord, "must be an object").optional(),
    changes: z
      .object({
        head: z.custom<Record<string, unknown>>(isRecord, "must be an object"),
        rows: z.custom<Record<string, unknown>>(isRecord, "must be an object of rows by key"),
      })
      .optional(),
    base: z.string().regex(ENTRY_ID, "must be the id of an entry, as the outcome of publish() has it").optional(),
    event: text(64).optional(),
    eventId,
    version: version.optional(),
    versionEpoch: versionEpoch.optional(),
    suspicions: z.array(z.enum(suspicions)).optional(),
    traceparent,
  })
  .refine(({ data, changes }) => (data === undefined) !== (changes === undefined), {
    path: ["data"],
    message: "must be an object, or changes be there in its place, and not both",
  });

type ParsedMessage = z.infer<typeof messageSchema>;

/** What the publish script compares a message by, whatever it carries. */
export interface PreparedHeader {
  readonly stream: Stream;
  /** Percent-encoded. */
  readonly eventId: string;
  /** 0 where the channel compares none. */
  readonly version: number;
  /** Percent-encoded; empty where the version is a time. */
  readonly versionEpoch: string;
  /** The entity that the message is the whole state of, where a stream has many of them; else empty. */
  readonly entity: string;
  readonly suspicions: readonly Suspicion[];
}

/** A valid message in the form that the publish script takes. */
export interface PreparedMessage extends PreparedHeader {
  /** The JSON object that clients get, without its closing brace. */
  readonly body: string;
}

/** A valid message of a `state` channel: the whole value, or what changed of it. */
export interface PreparedState extends PreparedHeader {
  readonly format: StateFormat<object>;
  /** The JSON object that clients get, up to the name of what it carries. */
  readonly start: string;
  readonly content:
    | { readonly kind: "whole"; readonly value: object }
    | { readonly kind: "changes"; readonly change: StateChange; readonly base: string | undefined };
}

function assertKey({ channel, key }: ParsedMessage, marketId: unknown): void {
  const expected = channelDefinition(channel).key;
  if (expected === "none") {
    if (key !== undefined) throw new InvalidMessageError(`key: channel ${channel} has no key`);
    return;
  }
  if (key === undefined) throw new InvalidMessageError(`key: channel ${channel} needs a ${expected}`);
  if (expected === "marketId" && marketId !== key) {
    throw new InvalidMessageError(`key: is ${JSON.stringify(key)}, but data.marketId is ${JSON.stringify(marketId)}`);
  }
}

/** Returns what a message is compared by with the state that is out; nothing where each message stands for itself. */
function headerOf(message: ParsedMessage, payload: Readonly<Record<string, unknown>>): PreparedHeader {
  const { channel, key, version, versionEpoch } = message;
  const header = {
    stream: { channel, key },
    eventId: encodeURIComponent(message.eventId),
    suspicions: message.suspicions ?? (message.data ? findSuspicions(channel, message.data, payload) : []),
  };
  const kind = channelDefinition(channel).stateOf;
  if (kind === "nothing") return { ...header, version: 0, versionEpoch: "", entity: "" };
  if (versionEpoch !== undefined && version === undefined) {
    throw new InvalidMessageError("versionEpoch: needs a version, the number within the epoch");
  }
  return {
    ...header,
    // The payload's schema has both; here they are still unknown.
    version: version ?? Number(payload.time),
    versionEpoch: versionEpoch === undefined ? "" : encodeURIComponent(versionEpoch),
    entity: kind === "data.id" ? String(payload.id) : "",
  };
}

const startOf = ({ channel, key, event, traceparent }: ParsedMessage): string => {
  const marketId = channelDefinition(channel).key === "marketId" ? key : undefined;
  return JSON.stringify({ channel, marketId, event, traceparent }).slice(0, -1);
};

/** @throws InvalidMessageError that names the field. */
function parsePayload(channel: Channel, data: unknown, name: string): Readonly<Record<string, unknown>> {
  const payload = channelDefinition(channel).payload.safeParse(data);
  if (!payload.success) throw new InvalidMessageError(`${channel}: ${name}.${describeIssue(payload.error)}`);
  return payload.data as Readonly<Record<string, unknown>>;
}

function assertSize(body: string): void {
  // A character has at most three bytes: most messages need not be counted.
  if (body.length * 3 <= MAXIMUM_BODY_BYTES) return;
  const bytes = Buffer.byteLength(body);
  if (bytes <= MAXIMUM_BODY_BYTES) return;
  throw new InvalidMessageError(
    `data: has ${bytes} bytes as JSON, and a message at most ${MAXIMUM_BODY_BYTES}: send fewer levels, positions or characters`,
  );
}

/** Writing a large value as JSON takes longer than all else: it is done only where the value may be too large. */
function assertValueSize(format: StateFormat<object>, value: object): void {
  if (format.count(value) * format.maximumRowBytes + HEAD_BYTES <= MAXIMUM_BODY_BYTES) return;
  assertSize(JSON.stringify(value));
}

/**
 * Returns a change in canonical form. Its rows that are not gone are a value of their own, so that the payload's schema
 * checks them.
 */
function parseChange(format: StateFormat<object>, { channel, key, changes }: ParsedMessage): StateChange {
  const { head = {}, rows = {} } = changes ?? {};
  const wrong = Object.keys(rows).find((name) => !format.isKey(name));
  if (wrong !== undefined) {
    throw new InvalidMessageError(
      `${channel}: changes.rows: ${JSON.stringify(wrong)} is not the key of a row (docs/events.md has their form)`,
    );
  }
  const present = Object.fromEntries(Object.entries(rows).filter(([, row]) => row !== null)) as Record<
    string,
    RowValue
  >;
  const partial = format.apply(format.empty(key), { head, rows: present });
  const value = parsePayload(channel, partial, "changes");
  const canonical = format.difference(format.empty(key), value);
  // A row that the schema leaves out, such as a level of size 0, is gone.
  const parsed = Object.fromEntries(Object.keys(rows).map((name) => [name, canonical[name] ?? null]));
  return { head: format.head(value), rows: parsed };
}

/** Returns the newest value of a stream that this publisher knows. */
export type KnownValue = (stream: Stream) => object | undefined;

/** Reads a value by the one before it; undefined where it has to be read as a whole. */
function parseFollowing(channel: Channel, newest: object, data: Readonly<Record<string, unknown>>): object | undefined {
  const parse = <P>(sent: unknown) => channelDefinition(channel).payload.safeParse(sent).data as P | undefined;
  if (channel === "market:orderbook") return parseByKnownLevels(newest as OrderBook, data, parse<OrderBook>);
  if (channel === "user:portfolio") return parseByKnownPositions(newest as Portfolio, data, parse<Portfolio>);
  return undefined;
}

/** @throws InvalidMessageError that names the field. */
function parseValue({ channel, key, data = {} }: ParsedMessage, known: KnownValue | undefined) {
  const newest = known?.({ channel, key });
  return (newest && parseFollowing(channel, newest, data)) ?? parsePayload(channel, data, "data");
}

function prepareState(message: ParsedMessage, format: StateFormat<object>, known?: KnownValue): PreparedState {
  const { data, base } = message;
  const start = startOf(message);
  if (data === undefined) {
    assertKey(message, message.key);
    const change = parseChange(format, message);
    assertSize(JSON.stringify(change));
    return { ...headerOf(message, change.head), format, start, content: { kind: "changes", change, base } };
  }
  if (base !== undefined) throw new InvalidMessageError("base: belongs to changes; whole values need none");
  const value = parseValue(message, known) as Readonly<Record<string, unknown>>;
  assertKey(message, value.marketId);
  assertValueSize(format, value);
  return { ...headerOf(message, value), format, start, content: { kind: "whole", value } };
}

/**
 * Checks a message against its channel, and prepares it for the publish script.
 *
 * @param known makes whole values of state channels cheaper to read.
 * @throws InvalidMessageError that names the field.
 */
export function prepareMessage(message: ChannelUpdate, known?: KnownValue): PreparedMessage | PreparedState {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) throw new InvalidMessageError(describeIssue(parsed.error));
  const { channel, data, changes } = parsed.data;
  const format = stateFormat(channel);
  if (format) return prepareState(parsed.data, format, known);
  if (changes !== undefined) throw new InvalidMessageError(`changes: channel ${channel} takes whole messages, as data`);
  const payload = parsePayload(channel, data, "data");
  assertKey(parsed.data, payload.marketId);
  const body = `${startOf(parsed.data)},"data":${JSON.stringify(payload)}`;
  assertSize(body);
  return { ...headerOf(parsed.data, payload), body };
}
