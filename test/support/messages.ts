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

/**
 * A message for a channel made from its example: `key` is the market or the user, `number` becomes the payload's `id`
 * (where it has one) and `time`, so that messages can be told apart and `latest` values follow each other.
 */
export function message(channel: Channel, key: string | undefined, number: number): ChannelMessage {
  const { Source, DetailType, Detail } = exampleOf(channel);
  const keyField = { marketId: { marketId: key }, user: { userId: key }, none: {} }[channelDefinition(channel).key];
  const id = "id" in Detail ? { id: `n${number}` } : {};
  return toMessage({ Source, DetailType, Detail: { ...Detail, ...keyField, ...id, time: number } });
}

/** `count` messages of a channel, numbered from `first`. */
export const messages = (channel: Channel, key: string | undefined, count: number, first = 1): ChannelMessage[] =>
  Array.from({ length: count }, (_, index) => message(channel, key, first + index));
