import type { Channel } from "../../../contract/channels.ts";
import { PING_INTERVAL_MS, type ServerFrame } from "../../../contract/managed-edge.ts";
import type { HeartbeatMessage } from "../../../contract/messages.ts";
import { compareIds, FIRST_ID, isStream, roomName, type Stream, type Topic } from "../../../contract/stream.ts";
import { wholeChannelRoom } from "../../../kernel/streams/redis-keys.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import { laterId, timeOf } from "../streams/cursor.ts";
import { readDelivered } from "../streams/delivered-ids.ts";
import type { EdgeStreams } from "../streams/edge-streams.ts";
import type { Subscription } from "../table/connections.ts";
import type { ConnectionKey } from "../table/room-subscriber.ts";

/** Streams that one `ping` gets an id of, of its own and of each whole channel: more would make it expensive. */
const MAXIMUM_STREAMS = 200;

/** Longest list of ids in one heartbeat, in bytes. */
const MAXIMUM_IDS_BYTES = 30_000;

/**
 * A message that has been in its stream for so long, in ms, should have arrived. A client that does not have it is told
 * of it, and asks.
 */
const ON_ITS_WAY_MS = 10_000;

export interface HeartbeatsContext {
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
  readonly onError: (error: unknown, stage: string) => void;
}

/** One stream that a heartbeat tells of. */
interface Beat {
  readonly stream: Stream;
  /** What the client has had by other ways than the fan-out, where that is known. */
  readonly start: string | undefined;
  /** Whether publishers may have thought that nobody listens: what came meanwhile led to no hint. */
  readonly isUnmarked: boolean;
  /** Whether `start` is of other streams of the channel as well: what is older than it may be older than the client's. */
  readonly isOfWhole: boolean;
}

/** At most so many, from a place of chance on: all have their turn with one ping or another. */
function sample<T>(items: readonly T[]): readonly T[] {
  if (items.length <= MAXIMUM_STREAMS) return items;
  const start = Math.floor(Math.random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)].slice(0, MAXIMUM_STREAMS);
}

/** What a connection must have of a stream by now; undefined where that cannot be said. */
function dueId({ start, isOfWhole }: Beat, delivered: string | undefined): string | undefined {
  if (!isOfWhole) return start === undefined ? delivered : laterId(start, delivered ?? FIRST_ID);
  if (delivered === undefined || start === undefined) return delivered;
  return compareIds(delivered, start) < 0 ? undefined : delivered;
}

interface Facts {
  /** The stream's newest id. */
  readonly top: string | undefined;
  readonly delivered: string | undefined;
  readonly now: number;
}

/** The id that a client can compare with its own: what it must have, or what it should have heard of. */
function comparableId(beat: Beat, { top, delivered, now }: Facts): string | undefined {
  if (top === undefined) return FIRST_ID;
  if (beat.isUnmarked || timeOf(top) < now - ON_ITS_WAY_MS) return top;
  const due = dueId(beat, delivered);
  // Ahead of the stream: Redis has lost it, and the client is to see where the stream is.
  return due !== undefined && compareIds(due, top) > 0 ? top : due;
}

/** The comparable ids of streams of one channel, in their order. */
async function readIds(
  { streams, reader }: HeartbeatsContext,
  connection: ConnectionKey,
  beats: readonly Beat[],
): Promise<readonly (string | undefined)[]> {
  const [first] = beats;
  if (!first) return [];
  const list = beats.map(({ stream }) => stream);
  // The cursors first: what is delivered after they are read is newer than what is named.
  const delivered = await readDelivered(streams, connection, list);
  const tops = await Promise.all(list.map(async (stream) => (await reader.newest(stream, 1))[0]?.id));
  const now = await streams.now(first.stream);
  return beats.map((beat, index) => comparableId(beat, { top: tops[index], delivered: delivered[index]?.id, now }));
}

/** The heartbeats of a whole channel: of the streams that moved since some pings ago, a list that is not too large. */
function toMessages(channel: Channel, ids: readonly (readonly [string, string])[]): HeartbeatMessage[] {
  const messages: HeartbeatMessage[] = [];
  let part: (readonly [string, string])[] = [];
  let bytes = 0;
  for (const pair of ids) {
    const size = Buffer.byteLength(JSON.stringify(pair));
    if (bytes + size > MAXIMUM_IDS_BYTES) {
      messages.push({ channel, ids: Object.fromEntries(part) });
      part = [];
      bytes = 0;
    }
    part.push(pair);
    bytes += size;
  }
  return [...messages, { channel, ids: Object.fromEntries(part) }];
}

async function beatWhole(
  context: HeartbeatsContext,
  connection: ConnectionKey,
  { stream: whole, newestStart: start }: Subscription,
  isUnmarked: boolean,
): Promise<HeartbeatMessage[]> {
  const { channel } = whole;
  const since = (await context.streams.now(whole)) - 2 * PING_INTERVAL_MS;
  const keys = sample(await context.reader.activeKeys(channel, since));
  const beats = keys.map((key): Beat => ({ stream: { channel, key }, start, isUnmarked, isOfWhole: true }));
  const ids = await readIds(context, connection, beats);
  const pairs = keys.flatMap((key, index): [string, string][] => {
    const id = ids[index];
    return id === undefined ? [] : [[key, id]];
  });
  return toMessages(channel, pairs);
}

async function beatStreams(
  context: HeartbeatsContext,
  connection: ConnectionKey,
  beats: readonly Beat[],
): Promise<HeartbeatMessage[]> {
  const ids = await readIds(context, connection, beats);
  return beats.map(({ stream: { channel, key } }, index) => {
    const marketId = wholeChannelRoom(channel) === undefined ? undefined : key;
    const id = ids[index];
    return { channel, ...(marketId === undefined ? {} : { marketId }), ...(id === undefined ? {} : { id }) };
  });
}

function byChannel(beats: readonly Beat[]): readonly (readonly Beat[])[] {
  const groups = new Map<Channel, Beat[]>();
  for (const beat of beats) {
    const { channel } = beat.stream;
    groups.set(channel, [...(groups.get(channel) ?? []), beat]);
  }
  return [...groups.values()];
}

/**
 * What a `ping` tells of live subscriptions beside that the connection lives: that Redis can be read, and an id of each
 * stream that the client can compare with its own. Also lets publishers know that the rooms still have a listener.
 * Rejects with Redis's error.
 */
export async function readHeartbeats(
  context: HeartbeatsContext,
  connection: ConnectionKey,
  subscriptions: readonly Subscription[],
): Promise<ServerFrame[]> {
  const unmarked = await context.streams.mark(subscriptions.map(({ stream }) => roomName(stream)));
  const isUnmarked = (topic: Topic): boolean => unmarked.has(roomName(topic));
  const toBeats = ({ stream, newestStart }: Subscription): Beat[] =>
    isStream(stream) ? [{ stream, start: newestStart, isUnmarked: isUnmarked(stream), isOfWhole: false }] : [];
  const wholes = subscriptions.filter(({ stream }) => !isStream(stream));
  const single = byChannel(sample(subscriptions.flatMap(toBeats)));
  const messages = await Promise.all([
    ...wholes.map((whole) => beatWhole(context, connection, whole, isUnmarked(whole.stream))),
    ...single.map((group) => beatStreams(context, connection, group)),
  ]);
  return messages.flat().map((data) => ({ event: "heartbeat", data }));
}
