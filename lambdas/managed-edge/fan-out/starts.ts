import { compareIds, laterId } from "../../../contract/ids.ts";
import type { Stream } from "../../../contract/stream.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import type { StartPositions } from "../table/start-positions.ts";

export interface StartsContext {
  readonly startPositions: StartPositions;
  readonly reader: StreamReader;
}

/** Subscribers of one stream that share their messages, by a name. */
export type SubscriberGroups = ReadonlyMap<string, readonly RoomSubscriber[]>;

/** The id after which a group gets messages, by its name; absent where that is the cursor. */
export type Starts = ReadonlyMap<string, string>;

interface StartsOptions {
  readonly stream: Stream;
  /** The id up to which subscribers have the stream, unless their own start is newer. */
  readonly after: string | undefined;
  /** The newest entry that is to be delivered. */
  readonly newest: string;
  /** Returns the start of a group from those of its subscribers; one without has what the cursor has. */
  readonly choose: (starts: readonly (string | undefined)[]) => string | undefined;
}

/** The oldest: messages between two starts were not delivered to the subscriber that has it. */
export function oldestStart(starts: readonly (string | undefined)[]): string | undefined {
  const known = starts.filter((each) => each !== undefined);
  // Without a start of its own a subscriber has what the cursor has, which is older than any of these.
  if (known.length < starts.length) return undefined;
  return known.reduce((a, b) => (compareIds(a, b) < 0 ? a : b));
}

/** The newest: each `subscribe` has delivered the value of that id. */
export function newestStart(starts: readonly (string | undefined)[]): string | undefined {
  const known = starts.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : known.reduce(laterId);
}

/**
 * Drops starts that are ahead of the stream. A subscriber that went live after the entries were read may have more than
 * they hold; one that has more than the stream holds now had it before Redis lost it, and is to get what there is.
 */
async function withoutLost(reader: StreamReader, starts: Starts, { stream, newest }: StartsOptions): Promise<Starts> {
  const ahead = [...starts].filter(([, id]) => compareIds(id, newest) > 0);
  if (ahead.length === 0) return starts;
  const [top] = await reader.newest(stream, 1);
  const upTo = top ? laterId(top.id, newest) : newest;
  return new Map([...starts].filter(([, id]) => compareIds(id, upTo) <= 0));
}

/** Resolves with the start of each group. */
export async function readStarts(
  { startPositions, reader }: StartsContext,
  groups: SubscriberGroups,
  options: StartsOptions,
): Promise<Starts> {
  const { stream, after, choose } = options;
  const found = await Promise.all(
    [...groups].map(async ([name, subscribers]) => {
      const start = choose(await Promise.all(subscribers.map((each) => startPositions.find(each, stream.key, after))));
      return start === undefined ? undefined : ([name, start] as const);
    }),
  );
  return withoutLost(reader, new Map(found.filter((entry) => entry !== undefined)), options);
}
