import { channelDefinition } from "../../../contract/channels.ts";
import { compareIds, FIRST_ID, type Stream } from "../../../contract/stream.ts";
import { shardsOf } from "../../../kernel/managed-edge/edge-table.ts";
import { deduplicationIdOf, type EdgeHint, type EnqueueHints, streamOf } from "../../../kernel/streams/edge-hint.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import { laterId, type StoredCursor } from "../streams/cursor.ts";
import type { EdgeStreams, Place } from "../streams/edge-streams.ts";
import { isLatest, readAfter } from "../streams/resume.ts";
import type { Listener } from "../table/room-subscriber.ts";
import type { Listeners } from "../table/room-subscribers.ts";
import type { StartPositions } from "../table/start-positions.ts";
import { type Audience, findAudience } from "./audience.ts";
import { createEncoder, type Encode, type News } from "./encoder.ts";

/** A stream stays split for this long after the last message, in ms: far longer than a message waits in the queue. */
const SPLIT_REST_MS = 300_000;

/** Attempts at a round whose cursor others move. */
const PLAN_ATTEMPTS = 3;

export interface RoundContext {
  readonly listeners: Listeners;
  readonly starts: StartPositions;
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
  /** Puts the parts of a large room into the queue; without it every room is served by one invocation. */
  readonly enqueueHints?: EnqueueHints | undefined;
  /** Listeners from which on a room is large. */
  readonly splitOver: number;
  /** Called with the channel for each cursor that made no sense and was replaced. */
  readonly onCursorReplaced: (channel: string) => void;
}

/** All that is new on one stream (or for one shard of its listeners), and who gets it. */
export interface Round {
  readonly audience: Audience;
  /** The frames for one of the audience, in their order. */
  framesFor(connectionId: string): readonly string[];
  /** To be called once all of them have it: the next round goes on from here. */
  finish(): Promise<void>;
}

/** The hints of one group, in their order, as one. */
interface Merged extends Place {
  /** What the listeners of the shard have, on a part of a large room. */
  readonly after?: string | undefined;
}

function merge(hints: readonly EdgeHint[]): Merged | undefined {
  const [first] = hints;
  if (!first) return undefined;
  const { part } = first;
  return { stream: streamOf(first), shard: part?.shard, after: part?.after };
}

/** From where on a round delivers: an earlier one's end or, in a part, what the whole room had before it was split. */
function placeOf({ cursor, text }: StoredCursor, after: string | undefined): string | undefined {
  if (after === undefined || (text !== undefined && !cursor)) return cursor?.id;
  return laterId(cursor?.id ?? FIRST_ID, after);
}

const countOf = ({ channel }: Stream): number =>
  channelDefinition(channel).delivery === "latest" ? 1 : channelDefinition(channel).history.entries;

/**
 * What is new after the cursor. Without one all that is held: nobody has had anything of the stream. Where the cursor
 * makes no sense, or is ahead of the stream because Redis lost what it stands for: the newest entry, which shows by its
 * own `id` and `prev` that something has happened.
 */
async function readNews(reader: StreamReader, merged: Merged, seen: StoredCursor): Promise<News> {
  const { stream } = merged;
  const after = placeOf(seen, merged.after);
  if (after === undefined) {
    const isReset = seen.text !== undefined;
    return { entries: await reader.newest(stream, isReset ? 1 : countOf(stream)), after, isReset };
  }
  const following = isLatest(stream) ? [] : await readAfter(reader, stream, after);
  if (following.length > 0) return { entries: following, after, isReset: false };
  const newest = await reader.newest(stream, 1);
  const order = compareIds(newest[0]?.id ?? after, after);
  // An entry of an `ordered` stream that came between the two reads is left to its own hint.
  const isNew = order < 0 || (order > 0 && isLatest(stream));
  return { entries: isNew ? newest : [], after, isReset: order < 0 };
}

/** Lets one invocation per shard do the work, each in the order of its own message group. */
async function split(
  enqueueHints: EnqueueHints,
  { stream }: Merged,
  { after, upTo }: { after: string; upTo: string },
): Promise<void> {
  const shards = Array.from({ length: shardsOf(stream.channel) }, (_, shard) => shard);
  const hints = shards.map((shard): EdgeHint => ({ ...stream, part: { shard, after } }));
  await enqueueHints(hints.map((hint) => ({ hint, deduplicationId: deduplicationIdOf(hint, upTo) })));
}

/** Whether the round's work was handed to its parts. */
async function isSplit(
  context: RoundContext,
  merged: Merged,
  { seen, upTo }: { readonly seen: StoredCursor; readonly upTo: string },
): Promise<boolean> {
  const { streams, enqueueHints } = context;
  const splitAt = seen.cursor?.splitAt;
  if (!enqueueHints || merged.shard !== undefined || !seen.cursor || splitAt === undefined) return false;
  const now = await streams.now(merged.stream);
  if (now - splitAt >= SPLIT_REST_MS) return false;
  const { id } = seen.cursor;
  // After a reset the parts find out for themselves where they are.
  await split(enqueueHints, merged, { after: compareIds(id, upTo) > 0 ? FIRST_ID : id, upTo });
  await streams.moveCursor(merged, seen, { id: upTo, splitAt: now });
  return true;
}

const isOfWhole = ({ stream, start }: Listener): boolean => stream.key === undefined && start.startId === undefined;

/**
 * Whether somebody else has moved the cursor since it was seen. One who subscribed to the whole channel first may have:
 * what it has is then told by the new cursor.
 */
async function isOvertaken(
  { streams }: RoundContext,
  place: Place,
  { seen, audience: { live } }: { readonly seen: StoredCursor; readonly audience: Audience },
): Promise<boolean> {
  if (![...live.values()].flat().some(isOfWhole)) return false;
  return (await streams.cursor(place)).text !== seen.text;
}

/** By connection, what it had as it went live; of one that is there twice, the less. */
async function readStarts(
  { starts }: RoundContext,
  { live }: Audience,
  { key, after }: { readonly key: string | undefined; readonly after: string | undefined },
): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    [...live].map(async ([id, listeners]) => {
      const ids = await Promise.all(listeners.map((listener) => starts.find(listener, key, after)));
      const known = ids.filter((each) => each !== undefined);
      // One of them goes by the cursor, which is older than any of these.
      if (known.length < ids.length) return undefined;
      return [id, known.reduce((a, b) => (compareIds(a, b) < 0 ? a : b))] as const;
    }),
  );
  return new Map(found.filter((entry) => entry !== undefined));
}

/**
 * Leaves out what lies ahead of the stream. A listener that went live after the news were read may have more of it than
 * they have; one that has more than there is now had it before Redis lost it, and is to see what is there.
 */
async function withoutLost(
  reader: StreamReader,
  stream: Stream,
  { starts, newest }: { readonly starts: ReadonlyMap<string, string>; readonly newest: string },
): Promise<ReadonlyMap<string, string>> {
  const ahead = [...starts].filter(([, id]) => compareIds(id, newest) > 0);
  if (ahead.length === 0) return starts;
  const [top] = await reader.newest(stream, 1);
  const upTo = top ? laterId(top.id, newest) : newest;
  return new Map([...starts].filter(([, id]) => compareIds(id, upTo) <= 0));
}

async function encoderFor(
  context: RoundContext,
  stream: Stream,
  { audience, news }: { readonly audience: Audience; readonly news: News },
): Promise<Encode> {
  const newest = news.entries.at(-1)?.id ?? FIRST_ID;
  const starts = await readStarts(context, audience, { key: stream.key, after: news.after });
  return createEncoder(stream, news, await withoutLost(context.reader, stream, { starts, newest }));
}

/**
 * Finds out what a group's hints are about. Undefined where there is nothing to deliver: it is out already, or the room
 * is large and its parts are in the queue. Rejects where Redis, the table or the queue does not answer.
 */
export async function planRound(context: RoundContext, hints: readonly EdgeHint[]): Promise<Round | undefined> {
  const { listeners, streams, reader, splitOver, onCursorReplaced } = context;
  const merged = merge(hints);
  if (!merged) return undefined;
  const { stream } = merged;
  for (let attempt = 1; attempt <= PLAN_ATTEMPTS; attempt += 1) {
    const seen = await streams.cursor(merged);
    const news = await readNews(reader, merged, seen);
    const newest = news.entries.at(-1);
    if (!newest) return undefined;
    if (news.isReset) onCursorReplaced(stream.channel);
    if (await isSplit(context, merged, { seen, upTo: newest.id })) return undefined;
    const audience = await findAudience(listeners, merged);
    if (await isOvertaken(context, merged, { seen, audience })) continue;
    return {
      audience,
      framesFor: await encoderFor(context, stream, { audience, news }),
      finish: async () => {
        const isLarge = audience.live.size > splitOver;
        const splitAt = isLarge ? { splitAt: await streams.now(stream) } : {};
        await streams.moveCursor(merged, seen, { id: newest.id, ...splitAt });
      },
    };
  }
  throw new Error(`the cursor of a stream of ${stream.channel} is moved by others all the time`);
}
