import type { Channel } from "../../contract/channels.ts";
import type { HeartbeatMessage } from "../../contract/frames.ts";
import { PING_INTERVAL_MS, type ServerFrame } from "../../contract/managed-edge.ts";
import { wholeChannelRoom } from "../../contract/server/redis-keys.ts";
import type { StreamReader } from "../../contract/server/stream-reader.ts";
import { FIRST_ID, roomName, type Stream } from "../../contract/stream.ts";
import type { ConnectionState } from "./connections.ts";
import type { EdgeStreams } from "./edge-streams.ts";

/** Streams that one `ping` is told of: more would make it dear. */
const MAXIMUM_STREAMS = 200;

/** A message younger than this, in ms, may still be on its way through the queue: its id is not yet told. */
const ON_ITS_WAY_MS = 10_000;

interface HeartbeatsContext {
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
}

/** The current id of a stream; undefined while its newest message may not have reached everybody. */
async function settledId(reader: StreamReader, stream: Stream): Promise<string | undefined> {
  const [newest] = await reader.newest(stream, 1);
  if (!newest) return FIRST_ID;
  return Number.parseInt(newest.id, 10) < Date.now() - ON_ITS_WAY_MS ? newest.id : undefined;
}

/** The ids of the streams of a channel that moved since the ping before. */
async function movedIds(reader: StreamReader, channel: Channel): Promise<Record<string, string>> {
  const keys = await reader.activeKeys(channel, Date.now() - 2 * PING_INTERVAL_MS);
  const ids = await Promise.all(
    keys.slice(-MAXIMUM_STREAMS).map(async (key) => [key, await settledId(reader, { channel, key })] as const),
  );
  return Object.fromEntries(ids.flatMap(([key, id]) => (id === undefined ? [] : [[key, id]])));
}

async function heartbeat(reader: StreamReader, { channel, key }: Stream): Promise<HeartbeatMessage> {
  if (wholeChannelRoom(channel) === undefined) return { channel, id: await settledId(reader, { channel, key }) };
  if (key === undefined) return { channel, ids: await movedIds(reader, channel) };
  return { channel, marketId: key, id: await settledId(reader, { channel, key }) };
}

/**
 * What a `ping` tells beside that the connection lives: that Redis can be read, and where the connection's streams are.
 * Also lets publishers know that its rooms still have a listener. Rejects with Redis's error.
 */
export async function readHeartbeats(
  { streams, reader }: HeartbeatsContext,
  { subscriptions }: ConnectionState,
): Promise<ServerFrame[]> {
  const rooms = [...subscriptions.values()];
  await streams.mark(rooms.map(roomName));
  const heartbeats = await Promise.all(rooms.slice(0, MAXIMUM_STREAMS).map((stream) => heartbeat(reader, stream)));
  return heartbeats.map((data) => ({ event: "heartbeat", data }));
}
