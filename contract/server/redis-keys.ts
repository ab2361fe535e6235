import { type Channel, channelDefinition } from "../channels.ts";
import { NAMESPACE } from "../frames.ts";
import { roomName, type Stream } from "../stream.ts";

/** The prefix that `@socket.io/redis-adapter` gives its Pub/Sub channels unless told otherwise. */
const ADAPTER_PREFIX = "socket.io";

/** The sharded Pub/Sub channel on which the sharded adapter (`subscriptionMode: "dynamic"`) expects a room's messages. */
export const pubSubChannel = (room: string): string => `${ADAPTER_PREFIX}#${NAMESPACE}#${room}#`;

/** The Redis Stream that holds a stream's entries. In the slot of its room's Pub/Sub channel: they share the hash tag. */
export const streamKey = (stream: Stream): string => `stream:${roomName(stream)}`;

/**
 * Set of the events that were published to a stream in one window of time: `dedupeSeconds` long, numbered since 1970.
 * One key for many events, as one key each takes ten times the memory.
 */
export const seenKey = (stream: Stream, window: number): string => `seen:${roomName(stream)}:${window}`;

/** Sorted set of a keyed public channel's active stream keys (market ids), scored by their last publish in ms. */
export const indexKey = (channel: Channel): string => `index:{${channel}}`;

/** The room that gets every message of a keyed public channel, whatever the key; undefined on other channels. */
export const wholeChannelRoom = (channel: Channel): string | undefined =>
  channelDefinition(channel).key === "marketId" ? roomName({ channel }) : undefined;

/** There while a room may have listeners on the managed edge; in the slot of the room's stream. */
export const edgeMarkerKey = (room: string): string => `edge:${room}`;

/** Up to where the managed edge has delivered a stream, or to one shard of its listeners where the room is large. */
export const edgeCursorKey = (stream: Stream, shard?: number): string =>
  `fanned:${roomName(stream)}${shard === undefined ? "" : `/${shard}`}`;
