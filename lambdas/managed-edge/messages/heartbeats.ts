import type { Channel } from "../../../contract/channels.ts";
import { compareIds, FIRST_ID, laterId, timeOf } from "../../../contract/ids.ts";
import { PING_INTERVAL_MS, type ServerFrame } from "../../../contract/managed-edge.ts";
import type { HeartbeatMessage } from "../../../contract/messages.ts";
import { isStream, roomName, type Stream, type StreamPosition, type Topic } from "../../../contract/stream.ts";
import { channelHeartbeat, streamHeartbeat } from "../../../kernel/protocol/heartbeat.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import { readDelivered } from "../streams/delivered-positions.ts";
import type { EdgeStreams } from "../streams/edge-streams.ts";
import type { Subscription } from "../table/connections.ts";
import type { ConnectionKey } from "../table/room-subscriber.ts";

/** Most streams that one `ping` gets an id of: of the single ones, and of each whole channel. More would cost too much. */
const MAXIMUM_STREAMS = 200;

/** Longest list of ids in one heartbeat, in bytes. */
const MAXIMUM_IDS_BYTES = 30_000;

/**
 * Age from which on a message should have arrived, in ms: heartbeats name its id, so that a client without it asks for it.
 */
const DUE_AFTER_MS = 10_000;

export interface HeartbeatsContext {
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
  readonly onError: (error: unknown, stage: string) => void;
}

/** A stream that a heartbeat names. */
interface HeartbeatStream {
  readonly stream: Stream;
  /** The newest id that the client got before the fan-out took over, where it is known. */
  readonly startId: string | undefined;
  /** True where the room was not marked, so that what was published meanwhile led to no hint. */
  readonly isUnmarked: boolean;
  /** True where `startId` is the newest of all streams of the channel: the client's own id of this one may be older. */
  readonly isOfChannel: boolean;
  /** True where the client does not get every id: what changed out of its sight was left out. */
  readonly hasSkippedIds: boolean;
}

/** Returns at most `MAXIMUM_STREAMS` items from a random place on, so that each has its turn with some `ping`. */
function sample<T>(items: readonly T[]): readonly T[] {
  if (items.length <= MAXIMUM_STREAMS) return items;
  const start = Math.floor(Math.random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)].slice(0, MAXIMUM_STREAMS);
}

/** Returns the id up to which a connection must have a stream; undefined where it is not known. */
function deliveredUpTo({ startId, isOfChannel }: HeartbeatStream, delivered: string | undefined): string | undefined {
  if (!isOfChannel) return startId === undefined ? delivered : laterId(startId, delivered ?? FIRST_ID);
  if (delivered === undefined || startId === undefined) return delivered;
  return compareIds(delivered, startId) < 0 ? undefined : delivered;
}

interface StreamFacts {
  /** Undefined where the stream has no entries. */
  readonly newestId: string | undefined;
  /** The id that the fan-out's cursor has. */
  readonly delivered: string | undefined;
  /** By Redis's clock, in ms since 1970. */
  readonly now: number;
}

/** Returns the id that a client can compare with its own: never one that may still be in the queue. */
function heartbeatId(stream: HeartbeatStream, { newestId, delivered, now }: StreamFacts): string | undefined {
  if (newestId === undefined) return FIRST_ID;
  if (stream.isUnmarked) return newestId;
  if (stream.hasSkippedIds) return undefined;
  if (timeOf(newestId) < now - DUE_AFTER_MS) return newestId;
  const id = deliveredUpTo(stream, delivered);
  // An id ahead of the stream is one that Redis has lost: the newest shows the client that the stream was reset.
  return id !== undefined && compareIds(id, newestId) > 0 ? newestId : id;
}

/** Resolves with the ids to name of streams of one channel, in their order. */
async function readIds(
  { streams: edgeStreams, reader }: HeartbeatsContext,
  connection: ConnectionKey,
  items: readonly HeartbeatStream[],
): Promise<readonly (string | undefined)[]> {
  const [first] = items;
  if (!first) return [];
  const streams = items.map(({ stream }) => stream);
  // The cursors first: what is delivered after that is newer than the ids that are named.
  const delivered = await readDelivered(edgeStreams, connection.id, streams);
  const newest = await Promise.all(streams.map(async (stream) => (await reader.newest(stream, 1))[0]?.id));
  const now = await edgeStreams.now(first.stream);
  return items.map((item, index) =>
    heartbeatId(item, { newestId: newest[index], delivered: delivered[index]?.id, now }),
  );
}

/** Splits the ids of a whole channel into heartbeats of a limited size; at least one, also without ids. */
function toChannelHeartbeats(channel: Channel, positions: readonly StreamPosition[]): HeartbeatMessage[] {
  const messages: HeartbeatMessage[] = [];
  let part: (readonly [string, string])[] = [];
  let bytes = 0;
  for (const { stream, id } of positions) {
    const pair = [stream.key ?? "", id] as const;
    const size = Buffer.byteLength(JSON.stringify(pair));
    if (bytes + size > MAXIMUM_IDS_BYTES) {
      messages.push(channelHeartbeat(channel, part));
      part = [];
      bytes = 0;
    }
    part.push(pair);
    bytes += size;
  }
  return [...messages, channelHeartbeat(channel, part)];
}

/** Resolves with the heartbeats of a whole channel: of its streams that moved in the last two intervals of pings. */
async function readChannelHeartbeats(
  context: HeartbeatsContext,
  connection: ConnectionKey,
  { topic, newestStart: startId, isUnmarked }: Subscription & { readonly isUnmarked: boolean },
): Promise<HeartbeatMessage[]> {
  const { channel } = topic;
  const since = (await context.streams.now(topic)) - 2 * PING_INTERVAL_MS;
  const keys = sample(await context.reader.activeKeys(channel, since));
  const facts = { startId, isUnmarked, isOfChannel: true, hasSkippedIds: false };
  const items = keys.map((key) => ({ stream: { channel, key }, ...facts }));
  const ids = await readIds(context, connection, items);
  const positions = items.flatMap(({ stream }, index): StreamPosition[] => {
    const id = ids[index];
    return id === undefined ? [] : [{ stream, id }];
  });
  return toChannelHeartbeats(channel, positions);
}

async function readStreamHeartbeats(
  context: HeartbeatsContext,
  connection: ConnectionKey,
  items: readonly HeartbeatStream[],
): Promise<HeartbeatMessage[]> {
  const ids = await readIds(context, connection, items);
  return items.map(({ stream }, index) => streamHeartbeat(stream, ids[index]));
}

function byChannel(items: readonly HeartbeatStream[]): readonly (readonly HeartbeatStream[])[] {
  const groups = new Map<Channel, HeartbeatStream[]>();
  for (const item of items) {
    const { channel } = item.stream;
    groups.set(channel, [...(groups.get(channel) ?? []), item]);
  }
  return [...groups.values()];
}

/**
 * Resolves with the heartbeats of live subscriptions: they show that Redis can be read, and name an id of each stream that
 * the client can compare with its own. Marks the rooms, so that publishers go on enqueueing hints for them. Rejects with
 * Redis's error.
 */
export async function readHeartbeats(
  context: HeartbeatsContext,
  connection: ConnectionKey,
  subscriptions: readonly Subscription[],
): Promise<ServerFrame[]> {
  const unmarked = await context.streams.mark(subscriptions.map(({ topic }) => roomName(topic)));
  const isUnmarked = (topic: Topic): boolean => unmarked.has(roomName(topic));
  const toItems = ({ topic, newestStart: startId, view }: Subscription): HeartbeatStream[] => {
    if (!isStream(topic)) return [];
    const hasSkippedIds = view.depth !== undefined;
    return [{ stream: topic, startId, isUnmarked: isUnmarked(topic), isOfChannel: false, hasSkippedIds }];
  };
  const channels = subscriptions.filter(({ topic }) => !isStream(topic));
  const groups = byChannel(sample(subscriptions.flatMap(toItems)));
  const messages = await Promise.all([
    ...channels.map((each) =>
      readChannelHeartbeats(context, connection, { ...each, isUnmarked: isUnmarked(each.topic) }),
    ),
    ...groups.map((group) => readStreamHeartbeats(context, connection, group)),
  ]);
  return messages.flat().map((data) => ({ event: "heartbeat", data }));
}
