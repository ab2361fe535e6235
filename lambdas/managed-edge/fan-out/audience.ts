import type { Stream, Topic } from "../../../contract/stream.ts";
import { shardsOf } from "../../../kernel/managed-edge/edge-table.ts";
import { topicsOf } from "../../../kernel/protocol/rooms.ts";
import type { FanOutScope } from "../streams/edge-streams.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import { isAbandoned, type RoomSubscribers } from "../table/room-subscribers.ts";

/**
 * Skips after which the fan-out waits for a subscriber, and after which it no longer does: then the function that was to let
 * it go live has ended.
 */
const WAIT_AFTER_SKIPS = 4;
const GIVE_UP_AFTER_SKIPS = 10;

/** The subscribers of a stream, by what the fan-out does with them. */
export interface Audience {
  /** By connection: one that has the stream and the whole channel is in two rooms. */
  readonly live: ReadonlyMap<string, readonly RoomSubscriber[]>;
  /** On a private channel, those whose token has expired. */
  readonly expired: readonly RoomSubscriber[];
  /** Those that will not go live. */
  readonly abandoned: readonly RoomSubscriber[];
}

/**
 * Skips a subscriber that is catching up, unless it has gone live meanwhile; then resolves with it. A stream that keeps
 * moving would skip it again and again: after some times the fan-out waits for it.
 */
async function skipUnlessLive(
  subscribers: RoomSubscribers,
  subscriber: RoomSubscriber,
  stream: Stream,
): Promise<RoomSubscriber | undefined> {
  if (isAbandoned(subscriber)) return subscriber;
  const { isLive, skippedFanOuts } = subscriber;
  const mustWait = !isLive && skippedFanOuts >= WAIT_AFTER_SKIPS && skippedFanOuts < GIVE_UP_AFTER_SKIPS;
  let current = mustWait ? await subscribers.waitFor(subscriber) : subscriber;
  while (current && !current.isLive) {
    if (await subscribers.skip(current, stream)) return undefined;
    current = await subscribers.find(current.connection.id, current.topic);
  }
  return current;
}

/** Sorts subscribers by what is to be done with them. */
class SortedAudience implements Audience {
  readonly live = new Map<string, RoomSubscriber[]>();
  readonly expired: RoomSubscriber[] = [];
  readonly abandoned: RoomSubscriber[] = [];

  add(subscriber: RoomSubscriber): void {
    const { isLive, validUntil, connection } = subscriber;
    if (!isLive) this.abandoned.push(subscriber);
    else if (validUntil !== undefined && validUntil <= Date.now()) this.expired.push(subscriber);
    else this.live.set(connection.id, [...(this.live.get(connection.id) ?? []), subscriber]);
  }
}

/**
 * Finds the subscribers of a stream, or those of one shard. Call it after the messages to deliver have been read: the rows
 * of subscribers that are catching up then say that a fan-out skipped them, and these read the messages themselves.
 */
export async function findAudience(subscribers: RoomSubscribers, { stream, shard }: FanOutScope): Promise<Audience> {
  const shards = shard === undefined ? Array.from({ length: shardsOf(stream.channel) }, (_, each) => each) : [shard];
  const audience = new SortedAudience();
  const readPages = async (topic: Topic, each: number): Promise<void> => {
    for await (const page of subscribers.pages(topic, each)) {
      const found = await Promise.all(page.map((subscriber) => skipUnlessLive(subscribers, subscriber, stream)));
      for (const subscriber of found) if (subscriber) audience.add(subscriber);
    }
  };
  await Promise.all(topicsOf(stream).flatMap((topic) => shards.map((each) => readPages(topic, each))));
  return audience;
}
