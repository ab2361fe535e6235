import { channelDefinition } from "../../contract/channels.ts";
import { deduplicationIdOf, type EdgeHint, type HandOn } from "../../contract/server/edge-hint.ts";
import { shardsOf } from "../../contract/server/edge-table.ts";
import type { Entry } from "../../contract/server/entry.ts";
import type { StreamReader } from "../../contract/server/stream-reader.ts";
import { compareIds, FIRST_ID } from "../../contract/stream.ts";
import { type Audience, findAudience, type LiveListener } from "./audience.ts";
import type { Cursor, EdgeStreams, Place } from "./edge-streams.ts";
import type { Listeners } from "./listeners.ts";
import { encodeFrame } from "./poster.ts";
import { readAfter } from "./resume.ts";

/** A stream stays split for this long after the last message, in ms: far longer than a message waits in the queue. */
const SPLIT_REST_MS = 300_000;

export interface RoundContext {
  readonly listeners: Listeners;
  readonly streams: EdgeStreams;
  readonly reader: StreamReader;
  /** Puts the parts of a large room into the queue; without it every room is served by one invocation. */
  readonly handOn?: HandOn | undefined;
  /** Listeners from which on a room is large. */
  readonly splitOver: number;
}

/** All that is new on one stream (or for one shard of its listeners), and who gets it. */
export interface Round {
  readonly audience: Audience;
  /** The frames for one of the audience, in their order. */
  framesFor(listener: LiveListener): readonly string[];
  /** To be called once all of them have it: the next round goes on from here. */
  finish(): Promise<void>;
}

type Link = readonly [id: string, prev: string];

const timeOf = (id: string): number => Number.parseInt(id, 10);

const later = (a: string, b: string): string => (compareIds(a, b) < 0 ? b : a);

/** The hints of one group, in their order, as one. */
interface Merged extends Place {
  readonly links: readonly Link[];
  /** What the listeners of the shard have, on a part of a large room. */
  readonly after?: string | undefined;
}

function merge(hints: readonly EdgeHint[]): Merged | undefined {
  const [first] = hints;
  if (!first) return undefined;
  const { channel, key, part } = first;
  const stream = key === undefined ? { channel } : { channel, key };
  return { stream, shard: part?.shard, after: part?.after, links: hints.flatMap(({ links = [] }) => links) };
}

/** What is new. Without a place in the stream all that is held: whoever is live gets what came since then. */
async function readNew(reader: StreamReader, { stream }: Place, id: string | undefined): Promise<Entry[]> {
  const { delivery, history } = channelDefinition(stream.channel);
  if (delivery !== "latest" && id !== undefined) return readAfter(reader, stream, id);
  const held = await reader.newest(stream, delivery === "latest" ? 1 : history.entries);
  return held.filter((entry) => id === undefined || compareIds(entry.id, id) > 0);
}

/** Where the round begins: an earlier one's end, or, in a part, what the whole room had before it was split. */
async function placeOf({ streams }: RoundContext, merged: Merged): Promise<Cursor | undefined> {
  const cursor = await streams.cursor(merged);
  if (merged.after === undefined) return cursor;
  return { ...cursor, id: later(cursor?.id ?? FIRST_ID, merged.after) };
}

interface Conflation {
  readonly cursor: Cursor | undefined;
  /** The entries that the hints tell of, oldest first; the stream itself has but the newest. */
  readonly links: readonly Link[];
  /** What listeners had as they went live, by connection. */
  readonly starts: ReadonlyMap<string, string>;
}

/** Whether a listener has what the last round ended with. */
const hasCursor = ({ liveFrom }: LiveListener, cursor: Cursor | undefined): cursor is Cursor =>
  cursor !== undefined && timeOf(cursor.id) >= liveFrom;

/**
 * The `prev` of a value that stands for all those before it that the listener did not get: the id of the last one that
 * it has. One that went live after the last round noted that, if the stream had just moved; else it has the value before
 * the first one since.
 */
function conflatedPrev(entry: Entry, listener: LiveListener, { cursor, links, starts }: Conflation): string {
  if (hasCursor(listener, cursor)) return cursor.id;
  const first = links.find(([id]) => timeOf(id) >= listener.liveFrom);
  return starts.get(listener.connection.id) ?? first?.[1] ?? entry.prev;
}

/** Looks up what listeners have that went live since the last round. */
async function readStarts(
  listeners: Listeners,
  { live }: Audience,
  { stream, cursor }: Merged & { readonly cursor: Cursor | undefined },
): Promise<Conflation["starts"]> {
  const fresh = [...live.values()].filter((listener) => !hasCursor(listener, cursor));
  const starts = await Promise.all(
    fresh.map(async (listener) => [listener.connection.id, await listeners.startOf(listener, stream)] as const),
  );
  return new Map(starts.flatMap(([id, start]) => (start === undefined ? [] : [[id, start] as const])));
}

/** Encodes entries of a stream, of a `latest` one with the `prev` that fits the listener. */
function createEncoder(conflation: Conflation | undefined) {
  // Most listeners get the very same text.
  const encoded = new Map<string, string>();
  return (entry: Entry, listener: LiveListener): string => {
    const prev = conflation ? conflatedPrev(entry, listener, conflation) : entry.prev;
    const name = `${entry.id} ${prev}`;
    const text = encoded.get(name) ?? encodeFrame({ event: "data", data: { ...entry, prev } });
    encoded.set(name, text);
    return text;
  };
}

/** Lets one invocation per shard do the work, each in the order of its own message group. */
async function split(handOn: HandOn, merged: Merged, { after, upTo }: { after: string; upTo: string }): Promise<void> {
  const { stream, links } = merged;
  const shards = Array.from({ length: shardsOf(stream.channel) }, (_, shard) => shard);
  const hints = shards.map((shard): EdgeHint => ({ ...stream, links: [...links.map(toPair)], part: { shard, after } }));
  await handOn(hints.map((hint) => ({ hint, deduplicationId: deduplicationIdOf(hint, upTo) })));
}

const toPair = ([id, prev]: Link): [string, string] => [id, prev];

/**
 * Finds out what a group's hints are about. Undefined where there is nothing to deliver: it is out already, or the room
 * is large and its parts are in the queue. Rejects where Redis, the table or the queue does not answer.
 */
export async function planRound(context: RoundContext, hints: readonly EdgeHint[]): Promise<Round | undefined> {
  const { listeners, streams, reader, handOn, splitOver } = context;
  const merged = merge(hints);
  if (!merged) return undefined;
  const cursor = await placeOf(context, merged);
  const entries = await readNew(reader, merged, cursor?.id);
  const newest = entries.at(-1);
  if (!newest) return undefined;
  if (handOn && merged.shard === undefined && cursor && Date.now() - (cursor.splitAt ?? 0) < SPLIT_REST_MS) {
    await split(handOn, merged, { after: cursor.id, upTo: newest.id });
    await streams.setCursor(merged, { id: newest.id, splitAt: Date.now() });
    return undefined;
  }
  const audience = await findAudience(listeners, merged);
  const isLatest = channelDefinition(merged.stream.channel).delivery === "latest";
  const links = merged.links.toSorted(([a], [b]) => compareIds(a, b));
  const starts = isLatest ? await readStarts(listeners, audience, { ...merged, cursor }) : new Map<string, string>();
  const encode = createEncoder(isLatest ? { cursor, links, starts } : undefined);
  return {
    audience,
    framesFor: (listener) =>
      entries.filter(({ id }) => timeOf(id) >= listener.liveFrom).map((entry) => encode(entry, listener)),
    finish: () =>
      streams.setCursor(merged, { id: newest.id, ...(audience.live.size > splitOver ? { splitAt: Date.now() } : {}) }),
  };
}
