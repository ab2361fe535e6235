import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";

/** The default prefix of the Pub/Sub channels of `@socket.io/redis-adapter`. */
const ADAPTER_PREFIX = "socket.io";

/** Names the sharded Pub/Sub channel of a room's messages in the sharded adapter (`subscriptionMode: "dynamic"`). */
export const pubSubChannel = (room: string): string => `${ADAPTER_PREFIX}#${NAMESPACE}#${room}#`;

/** Names the Redis Stream of a stream's entries. It shares hash tag and slot with its room's Pub/Sub channel. */
export const streamKey = (stream: Stream): string => `stream:${roomName(stream)}`;

/**
 * Names the set of the events that were published to a stream in one window of time: `dedupeSeconds` long, numbered since
 * 1970. One key holds many events: a key for each takes ten times the memory.
 */
export const seenKey = (stream: Stream, window: number): string => `seen:${roomName(stream)}:${window}`;

/** Names the sorted set of a keyed public channel's active keys (market ids), scored by their last publish in ms. */
export const indexKey = (channel: Channel): string => `index:{${channel}}`;

/** Names the room that gets every message of a keyed public channel, whatever the key; undefined on other channels. */
export const wholeChannelRoom = (channel: Channel): string | undefined =>
  channelDefinition(channel).key === "marketId" ? roomName({ channel }) : undefined;

/** Names the marker that exists while a room may have subscribers on the managed edge; in the slot of the room's stream. */
export const edgeMarkerKey = (room: string): string => `edge:${room}`;

/** Names the cursor of the managed edge: the id up to which it has delivered a stream, or one shard of a large room. */
export const edgeCursorKey = (stream: Stream, shard?: number): string =>
  `fanned:${roomName(stream)}${shard === undefined ? "" : `/${shard}`}`;

/**
 * Names the hash of the newest version by entity, on a channel whose messages are whole states of `data.id`: the newest
 * entities are in `current`, those before them in `previous`.
 */
export const guardKey = (stream: Stream, generation: "current" | "previous"): string =>
  `guard:${roomName(stream)}:${generation}`;

/** Returns the hash tag that a topic shares with all others of its slot: the whole channel's, or the user's own. */
const slotTag = (topic: Topic): string => wholeChannelRoom(topic.channel) ?? roomName(topic);

/**
 * Names the sorted set of the streams or entities that got only older states since their last accepted one, scored by the
 * first of these in ms. Members are the market ids of a keyed public channel, else `data.id`, else the empty text.
 */
export const staleSinceKey = (topic: Topic): string => `stale:${slotTag(topic)}`;

/** Names the sorted set of those for which that has lasted too long (see stale-run.ts), scored by the last one in ms. */
export const frozenKey = (topic: Topic): string => `frozen:${slotTag(topic)}`;

/** Names the hash of a state channel's value: its rows, its head, its sum and the id of the entry that it has come with. */
export const stateKey = (stream: Stream): string => `state:${roomName(stream)}`;

/**
 * Names the room that a topic's entries go to over Pub/Sub. On a state channel it is not the topic's own: a stock Socket.IO
 * server would hand changes to clients that have never asked for them. An encoded id has no `~`. Bodies there have no version: a
 * form that older gateways would misread gets another room, and another field in the stream; see docs/decisions/11.
 */
export const entriesRoom = (topic: Topic): string =>
  channelDefinition(topic.channel).delivery === "state" ? `${roomName(topic)}~changes` : roomName(topic);
