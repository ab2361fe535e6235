import { type Channel, channelDefinition } from "./channels.ts";

export { compareIds, FIRST_ID } from "./wire.ts";

/**
 * One stream: a channel and, where the channel has a key, whose or which. Order, ids and `prev` hold within a stream.
 * `key` is the market id of a keyed public channel, the user of a private one, and absent on a channel without key.
 */
export interface Stream {
  readonly channel: Channel;
  readonly key?: string;
}

/**
 * An entry id as Redis writes it. 15 digits are 31,700 years and stay below 2^53, so that ids compare as numbers; leading
 * zeros would give one id two names.
 */
export const ENTRY_ID = /^(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,14})$/;

/** The time of an entry id, in milliseconds since 1970 by the clock of the Redis that gave it. */
export const timeOf = (id: string): number => Number.parseInt(id, 10);

/** The exact length at which `@socket.io/redis-adapter` takes a room for a socket id and does not give it a channel. */
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
 * The room of a stream, and the part of its Redis names that carries the hash tag:
 * `{market:prices}:<marketId>`, `{user:orders:<sub>}`, `{monitor:signals}`. Without a key on a keyed public channel it
 * is the room of all its streams: `{market:prices}`.
 *
 * @throws RangeError for a private channel without a user.
 */
export function roomName({ channel, key }: Stream): string {
  const definition = channelDefinition(channel);
  if (definition.key === "user") {
    if (key === undefined) throw new RangeError(`channel ${channel} is private: its room needs a user`);
    return avoidSocketIdLength(`{${channel}:${encode(key)}}`);
  }
  const suffix = key === undefined ? "" : `:${encode(key)}`;
  return avoidSocketIdLength(`{${channel}}${suffix}`);
}
