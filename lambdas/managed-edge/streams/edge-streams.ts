import type { Cluster, Redis } from "ioredis";
import { compareIds } from "../../../contract/ids.ts";
import { roomName, type Stream, type StreamPosition, type Topic } from "../../../contract/stream.ts";
import { chunks } from "../../../kernel/chunks.ts";
import { edgeCursorKey, edgeMarkerKey } from "../../../kernel/streams/redis-keys.ts";
import { type Cursor, encodeCursor, parseCursor, type StoredCursor } from "./cursor.ts";
import { type Claim, edgeScripts } from "./edge-scripts.ts";

/** Time that a room counts as subscribed after a `subscribe` or `ping`, in s: 1.5 times what a connection may idle. */
const MARKER_SECONDS = 900;

/** Time that the cursor of a stream is kept, in s: as long as the streams themselves. */
const CURSOR_SECONDS = 86_400;

/** Most streams in one command: some 0.1 ms of Redis's time. */
const MAXIMUM_KEYS = 250;

/** Attempts at moving a cursor that another invocation moves as well. */
const MOVE_ATTEMPTS = 5;

/** The part of the fan-out that one invocation at a time does: a stream, or one shard of a large room. */
export interface FanOutScope {
  readonly stream: Stream;
  readonly shard?: number | undefined;
}

/** The managed edge's own keys in Redis, beside the streams. Every method rejects with Redis's error. */
export interface EdgeStreams {
  /**
   * Marks rooms as subscribed, so that publishers enqueue hints for them. Resolves with the rooms that were not marked:
   * what was published to them meanwhile led to no hint.
   */
  mark(rooms: readonly string[]): Promise<ReadonlySet<string>>;
  /** Marks the room of a whole channel, for a subscriber that is about to read the positions of its streams. */
  claim(wholeChannel: Topic, token: string): Promise<Claim>;
  /**
   * Sets the cursors of streams that have no other subscribers. Resolves with false where the claim is lost: then another
   * connection has subscribed, and the cursors that were set stay.
   */
  adopt(wholeChannel: Topic, token: string, positions: readonly StreamPosition[]): Promise<boolean>;
  /** Gives the claim of `first` back: others that subscribe to the channel go on. */
  open(wholeChannel: Topic, token: string): Promise<void>;
  /** Resolves with the time of the Redis node that has the topic, in ms since 1970. */
  now(topic: Topic): Promise<number>;
  readCursor(scope: FanOutScope): Promise<StoredCursor>;
  /** Resolves with the cursors of streams of one channel, in the order of the scopes. */
  readCursors(scopes: readonly FanOutScope[]): Promise<readonly StoredCursor[]>;
  /**
   * Moves a cursor from where it was seen. Leaves it where another invocation has moved it further; moves it back only
   * where it is still what was seen.
   */
  moveCursor(scope: FanOutScope, seen: StoredCursor, cursor: Cursor): Promise<void>;
}

const keyOf = ({ stream, shard }: FanOutScope): string => edgeCursorKey(stream, shard);

const markerOf = (topic: Topic): string => edgeMarkerKey(roomName(topic));

type Scripts = ReturnType<typeof edgeScripts>;

const createAdopt =
  (scripts: Scripts): EdgeStreams["adopt"] =>
  async ({ channel }, token, positions) => {
    for (const chunk of chunks(positions, MAXIMUM_KEYS)) {
      const keys = chunk.flatMap(({ stream }) => [edgeCursorKey(stream), markerOf(stream)]);
      const texts = chunk.map(({ id }) => encodeCursor({ id }));
      if (!(await scripts.adopt([markerOf({ channel }), ...keys], [token, CURSOR_SECONDS, ...texts]))) return false;
    }
    return true;
  };

const createMoveCursor =
  (scripts: Scripts): EdgeStreams["moveCursor"] =>
  async (scope, seen, next) => {
    let expected = seen.text ?? "";
    for (let attempt = 1; attempt <= MOVE_ATTEMPTS; attempt += 1) {
      const found = await scripts.moveCursor(keyOf(scope), [expected, encodeCursor(next), CURSOR_SECONDS]);
      if (found === expected) return;
      const { cursor: other } = parseCursor(found);
      if (other && compareIds(other.id, next.id) >= 0) return;
      expected = found;
    }
    throw new Error(`cursor of a ${scope.stream.channel} stream not moved: other invocations keep moving it`);
  };

/** Builds the access to the managed edge's keys on a connection that the caller owns. */
export function createEdgeStreams(redis: Redis | Cluster): EdgeStreams {
  const scripts = edgeScripts(redis);

  // MGET, not GET: it reads a key of another type as nothing, where GET would fail each time.
  const readCursors: EdgeStreams["readCursors"] = async (scopes) => {
    const texts = await Promise.all([...chunks(scopes, MAXIMUM_KEYS)].map((chunk) => redis.mget(chunk.map(keyOf))));
    return texts.flat().map(parseCursor);
  };

  return {
    mark: async (rooms) => {
      const known = await Promise.all(
        rooms.map((room) => redis.set(edgeMarkerKey(room), "1", "EX", MARKER_SECONDS, "GET")),
      );
      return new Set(rooms.filter((_, index) => known[index] === null));
    },
    claim: (wholeChannel, token) => scripts.claim(markerOf(wholeChannel), token, MARKER_SECONDS),
    adopt: createAdopt(scripts),
    open: (wholeChannel, token) => scripts.open(markerOf(wholeChannel), token, MARKER_SECONDS),
    // By the marker's key, which is on the same node: this Redis user may only read the stream's own key.
    now: (topic) => scripts.now(markerOf(topic)),
    readCursor: async (scope) => (await readCursors([scope]))[0] ?? {},
    readCursors,
    moveCursor: createMoveCursor(scripts),
  };
}
