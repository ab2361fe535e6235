import * as z from "zod";
import type { Channel, channels } from "./channels.ts";
import {
  type ChannelMessage,
  type Domain,
  type DomainEvent,
  domainNames,
  domains,
  type eventFields,
  InvalidEventError,
  parseDomainEvent,
  type privateEventFields,
} from "./domain-events.ts";
import { describeIssue } from "./messages.ts";

type Definition = (typeof domains)[Domain][number];

type FieldsOf<C extends Channel> = (typeof channels)[C]["access"] extends "private"
  ? z.input<typeof privateEventFields>
  : z.input<typeof eventFields>;

type EntryOf<D extends Definition> = D extends Definition
  ? {
      readonly Source: D["source"];
      readonly DetailType: D["detailType"];
      readonly Detail: z.input<D["payload"]> & FieldsOf<D["channel"]>;
    }
  : never;

/** A domain event as an entry of `PutEvents`, its `Detail` before it becomes JSON text. */
export type EventEntry = EntryOf<Definition>;

/** An entry of `PutEvents`. `Detail` is JSON text there, and may be the object itself in a stream's record. */
const entrySchema = z.object({ Source: z.string(), DetailType: z.string(), Detail: z.unknown() });

function parseJson(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidEventError(`${subject} is not JSON`, { cause });
  }
}

/**
 * Parses the data of a stream's record: a `PutEvents` entry as JSON, so that a producer can change between bus and stream.
 *
 * @param id unique to the record and kept over redeliveries.
 * @throws InvalidEventError that names the record and what is wrong with it.
 */
export function parseEntry(id: string, data: string): DomainEvent {
  const entry = entrySchema.safeParse(parseJson(data, `record ${id}: its data`));
  if (!entry.success) throw new InvalidEventError(`record ${id}: ${describeIssue(entry.error)}`);
  const { Source: source, DetailType: detailType, Detail: sent } = entry.data;
  const detail = typeof sent === "string" ? parseJson(sent, `record ${id}: the text of Detail`) : sent;
  return { id, source, detailType, detail };
}

/**
 * Parses an entry of `PutEvents` into the message that the platform publishes of it.
 *
 * @throws InvalidEventError that names the event, the field and what is wrong with it.
 */
export function parseEventEntry(id: string, entry: { readonly [Field in keyof EventEntry]: unknown }): ChannelMessage {
  const event = parseEntry(id, JSON.stringify(entry));
  const { source, detailType } = event;
  const domain = domainNames.find((name) =>
    domains[name].some((each) => each.source === source && each.detailType === detailType),
  );
  if (!domain) throw new InvalidEventError(`event ${id}: no domain has the event ${source}/${detailType}`);
  return parseDomainEvent(domain, event);
}
