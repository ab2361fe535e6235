import type { Cluster, Redis } from "ioredis";
import { compareIds, roomName, type Stream, type Topic } from "../../../contract/stream.ts";
import { edgeCursorKey, edgeMarkerKey } from "../../../kernel/streams/redis-keys.ts";
import { type Cursor, encodeCursor, parseCursor, type StoredCursor } from "./cursor.ts";
import { type Claim, edgeScripts } from "./edge-scripts.ts";

/** How long a room counts as listened to after a subscribe or ping, in s: half as long again as a connection may idle. */
const MARKER_SECONDS = 900;

/** How long the fan-out's place in a stream is kept, in s: as long as the streams themselves. */
const CURSOR_SECONDS = 86_400;

/** Streams in one command: some 0.1 ms of Redis's time. */
const MAXIMUM_KEYS = 250;

/** Attempts at moving a cursor that somebody else moves as well. */
const MOVE_ATTEMPTS = 5;

/** What one invocation at a time delivers. */
export interface Place {
  readonly stream: Stream;
  readonly shard?: number | undefined;
}

/** Where a stream is: its key, and the id of its newest entry. */
export type KeyAndId = readonly [key: string, id: string];

/** What the managed edge keeps in Redis beside the streams themselves. All reject with Redis's error. */
export interface EdgeStreams {
  /**
   * Lets publishers know that rooms may have listeners here. Resolves with those of which they did not know: what was
   * published to them meanwhile led to no hint.
   */
  mark(rooms: readonly string[]): Promise<ReadonlySet<string>>;
  /** As `mark`, for a whole channel, by a subscriber that is about to read where its streams are. */
  claim(whole: Topic, token: string): Promise<Claim>;
  /**
   * Sets the cursors of streams that nobody listens to otherwise. Resolves with false where the right to do so is gone:
   * somebody else listens, and whatever was set stays.
   */
  adopt(whole: Topic, token: string, tops: readonly KeyAndId[]): Promise<boolean>;
  /** Gives the right of `first` back. */
  open(whole: Topic, token: string): Promise<void>;
  /** Redis's own clock, in ms since 1970. */
  now(topic: Topic): Promise<number>;
  cursor(place: Place): Promise<StoredCursor>;
  /** The cursors of streams of one channel, in the order of the places. */
  cursors(places: readonly Place[]): Promise<readonly StoredCursor[]>;
  /**
   * Moves a cursor on, from where it was seen. Leaves it where somebody else has moved it further; moves it back only
   * where it is still what was seen.
   */
  moveCursor(place: Place, seen: StoredCursor, cursor: Cursor): Promise<void>;
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += MAXIMUM_KEYS) yield items.slice(start, start + MAXIMUM_KEYS);
}

const keyOf = ({ stream, shard }: Place): string => edgeCursorKey(stream, shard);

export function createEdgeStreams(redis: Redis | Cluster): EdgeStreams {
  const scripts = edgeScripts(redis);
  const markerOf = (stream: Topic): string => edgeMarkerKey(roomName(stream));

  // MGET, not GET: what is no text counts as nothing, in place of an error with each look.
  const cursors: EdgeStreams["cursors"] = async (places) => {
    const texts = await Promise.all([...chunks(places)].map((chunk) => redis.mget(chunk.map(keyOf))));
    return texts.flat().map(parseCursor);
  };

  const cursor: EdgeStreams["cursor"] = async (place) => (await cursors([place]))[0] ?? {};

  return {
    mark: async (rooms) => {
      const known = await Promise.all(
        rooms.map((room) => redis.set(edgeMarkerKey(room), "1", "EX", MARKER_SECONDS, "GET")),
      );
      return new Set(rooms.filter((_, index) => known[index] === null));
    },
    claim: (whole, token) => scripts.claim(markerOf(whole), token, MARKER_SECONDS),
    adopt: async ({ channel }, token, tops) => {
      for (const chunk of chunks(tops)) {
        const streams = chunk.map(([key]) => ({ channel, key }));
        const keys = streams.flatMap((stream) => [edgeCursorKey(stream), markerOf(stream)]);
        const texts = chunk.map(([, id]) => encodeCursor({ id }));
        if (!(await scripts.adopt([markerOf({ channel }), ...keys], [token, CURSOR_SECONDS, ...texts]))) return false;
      }
      return true;
    },
    open: (whole, token) => scripts.open(markerOf(whole), token, MARKER_SECONDS),
    // Not the stream's own key, which this user may only read, but one that is on the same node.
    now: (topic) => scripts.now(markerOf(topic)),
    cursor,
    cursors,
    moveCursor: async (place, seen, next) => {
      let expected = seen.text ?? "";
      for (let attempt = 1; attempt <= MOVE_ATTEMPTS; attempt += 1) {
        const found = await scripts.moveCursor(keyOf(place), [expected, encodeCursor(next), CURSOR_SECONDS]);
        if (found === expected) return;
        const { cursor: other } = parseCursor(found);
        if (other && compareIds(other.id, next.id) >= 0) return;
        expected = found;
      }
      throw new Error(`the cursor of a stream of ${place.stream.channel} is moved by others all the time`);
    },
  };
}
