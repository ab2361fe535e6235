import type { Cluster, Redis } from "ioredis";
import * as z from "zod";
import { edgeCursorKey, edgeMarkerKey } from "../../contract/server/redis-keys.ts";
import type { Stream } from "../../contract/stream.ts";

/** How long a room counts as listened to after a subscribe or ping, in s: half as long again as a connection may idle. */
const MARKER_SECONDS = 900;

/** How long the fan-out's place in a stream is kept, in s: as long as the streams themselves. */
const CURSOR_SECONDS = 86_400;

/** By the clock of the node that gives the stream's entries their ids, in ms since 1970. */
const timeScript = `
local now = redis.call('TIME')
return string.format('%.0f', tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
`;

const cursorSchema = z.object({
  id: z.string(),
  /** When the room was last found too large for one invocation, in ms since 1970. */
  splitAt: z.number().optional(),
});

/** Up to where a stream is delivered on this edge, or to one shard of its listeners. */
export type Cursor = z.infer<typeof cursorSchema>;

/** What one invocation at a time delivers. */
export interface Place {
  readonly stream: Stream;
  readonly shard?: number | undefined;
}

/** What the managed edge keeps in Redis beside the streams themselves. All reject with Redis's error. */
export interface EdgeStreams {
  /** Lets publishers know that a room may have listeners here. */
  mark(rooms: readonly string[]): Promise<void>;
  /** Entries that are written from now on have this time in their id, or a later one. */
  now(stream: Stream): Promise<number>;
  cursor(place: Place): Promise<Cursor | undefined>;
  setCursor(place: Place, cursor: Cursor): Promise<void>;
}

function parseCursor(text: string | null): Cursor | undefined {
  const parsed = cursorSchema.safeParse(text === null ? undefined : JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}

export function createEdgeStreams(redis: Redis | Cluster): EdgeStreams {
  redis.defineCommand("streamTime", { lua: timeScript, numberOfKeys: 1 });
  const commands = redis as unknown as { streamTime(key: string): Promise<string> };
  return {
    mark: async (rooms) => {
      await Promise.all(rooms.map((room) => redis.set(edgeMarkerKey(room), "1", "EX", MARKER_SECONDS)));
    },
    // Not the stream's own key, which this user may only read, but one that is on the same node.
    now: async (stream) => Number(await commands.streamTime(edgeCursorKey(stream))),
    cursor: async ({ stream, shard }) => parseCursor(await redis.get(edgeCursorKey(stream, shard))),
    setCursor: async ({ stream, shard }, cursor) => {
      await redis.set(edgeCursorKey(stream, shard), JSON.stringify(cursor), "EX", CURSOR_SECONDS);
    },
  };
}
