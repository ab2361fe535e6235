import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";

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

/**
 * Hash of the newest state's version by entity, on a channel whose messages are whole states of `data.id`: the newest
 * entities in `current`, those before them in `previous`.
 */
export const guardKey = (stream: Stream, generation: "current" | "previous"): string =>
  `guard:${roomName(stream)}:${generation}`;

/** The hash tag that a topic shares with all others of its slot: the whole channel's, or a user's own. */
const slotTag = (topic: Topic): string => wholeChannelRoom(topic.channel) ?? roomName(topic);

/**
 * Sorted set of what has got nothing but older states since its last accepted one, scored by the first of them in ms.
 * Its members are the market ids of a keyed public channel, else `data.id`, else the empty text.
 */
export const staleSinceKey = (topic: Topic): string => `stale:${slotTag(topic)}`;

/** Sorted set of those for which that has gone on too long (see stale-run.ts), scored by the last of them in ms. */
export const frozenKey = (topic: Topic): string => `frozen:${slotTag(topic)}`;
