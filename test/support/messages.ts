import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { type ChannelMessage, domainNames, domains, parseDomainEvent } from "../../contract/domain-events.ts";

const EXAMPLES = join(import.meta.dirname, "../../contract/examples");

/** A `PutEvents` entry of contract/examples. */
export interface Example {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: Readonly<Record<string, unknown>>;
}

/** All of contract/examples. */
export const examples: readonly Example[] = readdirSync(EXAMPLES).map((name) =>
  JSON.parse(readFileSync(join(EXAMPLES, name), "utf8")),
);

/** The message that a domain's publisher makes of an event. */
export function toMessage({ Source, DetailType, Detail }: Example, id: string = randomUUID()): ChannelMessage {
  const domain = domainNames.find((name) => domains[name].some(({ source }) => source === Source));
  if (!domain) throw new Error(`no domain has the source ${Source}`);
  return parseDomainEvent(domain, { source: Source, detailType: DetailType, id, detail: Detail });
}

function exampleOf(channel: Channel): Example {
  const found = examples.find((example) => toMessage(example).channel === channel);
  if (!found) throw new Error(`contract/examples has nothing for ${channel}`);
  return found;
}

const FIRST_TIME = Date.UTC(2026, 0, 1);

/** The `data.time` of the message with that number. */
export const timeOf = (number: number): number => FIRST_TIME + number;

/** The number of the message that has this `data.time`. */
export const numberOf = ({ time }: { readonly time: number }): number => time - FIRST_TIME;

/**
 * A message for a channel made from its example: `key` is the market or the user, `number` becomes the payload's `id`
 * (where it has one) and, as {@link timeOf} says, `time`, so that messages can be told apart and older states are older.
 */
export function message(channel: Channel, key: string | undefined, number: number): ChannelMessage {
  const { Source, DetailType, Detail } = exampleOf(channel);
  const keyField = { marketId: { marketId: key }, user: { userId: key }, none: {} }[channelDefinition(channel).key];
  const id = "id" in Detail ? { id: `n${number}` } : {};
  return toMessage({ Source, DetailType, Detail: { ...Detail, ...keyField, ...id, time: timeOf(number) } });
}

/** `count` messages of a channel, numbered from `first`. */
export const messages = (channel: Channel, key: string | undefined, count: number, first = 1): ChannelMessage[] =>
  Array.from({ length: count }, (_, index) => message(channel, key, first + index));
