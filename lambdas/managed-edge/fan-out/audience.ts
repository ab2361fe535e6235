import type { Stream, Topic } from "../../../contract/stream.ts";
import { shardsOf } from "../../../kernel/managed-edge/edge-table.ts";
import { wholeChannelRoom } from "../../../kernel/streams/redis-keys.ts";
import type { Place } from "../streams/edge-streams.ts";
import type { Listener } from "../table/room-subscriber.ts";
import { isAbandoned, type Listeners } from "../table/room-subscribers.ts";

/**
 * How often a listener is passed by before it is waited for, and before it is given up: whoever was to let it go live
 * has ended half-way.
 */
const WAIT_AFTER_SKIPS = 4;
const LEAVE_AFTER_SKIPS = 10;

/** Who is to get what is new on a stream. */
export interface Audience {
  /** By connection; one that has the stream and the whole channel is in two rooms. */
  readonly live: ReadonlyMap<string, readonly Listener[]>;
  /** Private ones whose token has run out. */
  readonly expired: readonly Listener[];
  /** Those that nobody will let go live. */
  readonly abandoned: readonly Listener[];
}

/** The rooms that a stream's messages go to. */
const roomsOf = (stream: Stream): Topic[] =>
  wholeChannelRoom(stream.channel) === undefined ? [stream] : [stream, { channel: stream.channel }];

/**
 * One that is catching up is passed by, unless it has gone live meanwhile. On a stream that never rests it would be
 * passed by again and again: then it is waited for.
 */
async function settle(listeners: Listeners, listener: Listener, stream: Stream): Promise<Listener | undefined> {
  if (isAbandoned(listener)) return listener;
  const isWaitedFor = !listener.isLive && listener.skips >= WAIT_AFTER_SKIPS && listener.skips < LEAVE_AFTER_SKIPS;
  let current = isWaitedFor ? await listeners.waitFor(listener) : listener;
  while (current && !current.isLive) {
    if (await listeners.skip(current, stream)) return undefined;
    current = await listeners.find(current.connection.id, current.stream);
  }
  return current;
}

/** Sorts listeners by what is to be done with them. */
class Sorted implements Audience {
  readonly live = new Map<string, Listener[]>();
  readonly expired: Listener[] = [];
  readonly abandoned: Listener[] = [];

  take(listener: Listener | undefined): void {
    if (!listener) return;
    if (!listener.isLive) this.abandoned.push(listener);
    else if (listener.validUntil !== undefined && listener.validUntil <= Date.now()) this.expired.push(listener);
    else this.live.set(listener.connection.id, [...(this.live.get(listener.connection.id) ?? []), listener]);
  }
}

/**
 * Finds the listeners of a stream, of one shard where that is given. Call it after what is to be delivered has been
 * read: those that are catching up are told on their rows that they were passed by, and read it themselves.
 */
export async function findAudience(listeners: Listeners, { stream, shard }: Place): Promise<Audience> {
  const shards = shard === undefined ? Array.from({ length: shardsOf(stream.channel) }, (_, each) => each) : [shard];
  const sorted = new Sorted();
  const readPages = async (room: Topic, each: number): Promise<void> => {
    for await (const page of listeners.pages(room, each)) {
      const settled = await Promise.all(page.map((listener) => settle(listeners, listener, stream)));
      for (const listener of settled) sorted.take(listener);
    }
  };
  await Promise.all(roomsOf(stream).flatMap((room) => shards.map((each) => readPages(room, each))));
  return sorted;
}
