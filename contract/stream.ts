import { type Channel, channelDefinition } from "./channels.ts";

export { compareIds, ENTRY_ID, FIRST_ID } from "./ids.ts";

/**
 * One Redis Stream: what is published to, and what order, ids and `prev` hold within. `key` is the market id on a keyed
 * public channel, the user on a private one, and undefined on a channel that is one stream.
 */
export interface Stream {
  readonly channel: Channel;
  readonly key: string | undefined;
}

/**
 * What one subscribes to: one stream or, on a keyed public channel and without `key`, all streams of the channel. Every
 * stream is a topic too.
 */
export interface Topic {
  readonly channel: Channel;
  readonly key?: string | undefined;
}

/** A place in a stream: the id up to which something has it, {@link FIRST_ID} for a stream with no entry yet. */
export interface StreamPosition {
  readonly stream: Stream;
  readonly id: string;
}

/** True where a topic is one stream, false where it is all streams of a keyed public channel. */
export const isStream = (topic: Topic): topic is Stream =>
  topic.key !== undefined || channelDefinition(topic.channel).key !== "marketId";

/** The exact length at which `@socket.io/redis-adapter` takes a room for a socket id and gives it no Pub/Sub channel. */
const SOCKET_ID_LENGTH = 20;

/**
 * Percent-encodes everything but `A-Z a-z 0-9 - _ . ! ' ( ) *` and so also `{ } : #`, which have a meaning in names.
 *
 * @throws URIError on a lone surrogate; the schemas let none through.
 */
const encode = (id: string): string => encodeURIComponent(id).replaceAll("~", "%7E");

/** `~` never occurs in an encoded id, so the longer name cannot be another stream's. */
const avoidSocketIdLength = (name: string): string => (name.length === SOCKET_ID_LENGTH ? `${name}~` : name);

/**
 * Names the Socket.IO room of a topic. The room of a stream is also the part of its Redis names that carries the hash
 * tag: `{market:prices}:<marketId>`, `{user:orders:<sub>}`, `{monitor:signals}`. A whole channel's is `{market:prices}`.
 *
 * @throws RangeError for a private channel without a user.
 */
export function roomName({ channel, key }: Topic): string {
  const definition = channelDefinition(channel);
  if (definition.key === "user") {
    if (key === undefined) throw new RangeError(`channel ${channel} is private: its room needs a user`);
    return avoidSocketIdLength(`{${channel}:${encode(key)}}`);
  }
  const suffix = key === undefined ? "" : `:${encode(key)}`;
  return avoidSocketIdLength(`{${channel}}${suffix}`);
}
