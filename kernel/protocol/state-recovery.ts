import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { DataEvent, DataMessage, SubscribeRequest } from "../../contract/messages.ts";
import { composeChanges, type StateChange } from "../../contract/state/state-change.ts";
import { stateFormat } from "../../contract/state/state-formats.ts";
import { applyVerified, areRows, sumAfter, sumOf, type VerifiedState } from "../../contract/state/verified-state.ts";
import type { Stream } from "../../contract/stream.ts";
import { type Entry, isChanges } from "../streams/entry.ts";
import type { StoredState } from "../streams/stored-state.ts";
import { streamHeartbeat } from "./heartbeat.ts";
import { conflate, entriesFollowing, type Recovery } from "./recovery.ts";

/** How a subscriber gets a state channel: what changed or whole values, all rows or the best ones. */
export type StateView = Pick<SubscribeRequest, "changes" | "depth">;

/**
 * Returns one message in place of two that follow each other, for a receiver that has the one before them: a whole value
 * replaces what it follows, and what changed is added to it. Undefined where a row is not valid.
 */
export function mergeDataEvents(older: DataEvent, newer: DataEvent): DataEvent | undefined {
  const { prev } = older;
  if (!isChanges(newer)) return conflate(newer, prev);
  if (isChanges(older)) return { ...newer, prev, changes: composeChanges(older.changes, newer.changes) };
  const data = applyRows(older, newer.changes);
  if (data === undefined) return undefined;
  const { changes: _, ...message } = newer;
  return { ...message, prev, data };
}

function applyRows({ channel, data }: DataMessage, changes: StateChange) {
  const format = stateFormat(channel);
  if (!format || !areRows(format, changes.rows)) return undefined;
  return format.apply(data, changes) as DataMessage["data"];
}

/** Returns one message in place of several that follow each other, oldest first. Undefined where a row is not valid. */
export function composeEntries(entries: readonly Entry[]): DataEvent | undefined {
  const [first, ...others] = entries;
  return others.reduce<DataEvent | undefined>((older, newer) => older && mergeDataEvents(older, newer), first);
}

/** Returns the value that a whole message has; undefined where its rows do not have its sum. */
export function stateOf({ channel, data, sum }: DataMessage): VerifiedState | undefined {
  const format = stateFormat(channel);
  if (!format || sum === undefined) return undefined;
  try {
    return sumOf<object>(format, data) === sum ? { value: data, sum } : undefined;
  } catch {
    // Something else than the value of this channel.
    return undefined;
  }
}

/** Returns the value after an entry, proven by the entry's sum; undefined where it is not the publisher's. */
export function stateAfter(state: VerifiedState | undefined, entry: Entry): VerifiedState | undefined {
  if (!isChanges(entry)) return stateOf(entry);
  const format = stateFormat(entry.channel);
  return state && format && applyVerified(format, state, entry.changes, entry.sum);
}

/** Returns a value's best rows; all of them without a depth. */
export function limitState(stream: Stream, state: VerifiedState, depth: StateView["depth"]): VerifiedState {
  const format = stateFormat(stream.channel);
  if (depth === undefined || !format?.limit) return state;
  const value = format.limit(state.value, depth);
  return { value, sum: sumOf(format, value) };
}

interface Place {
  readonly id: string;
  readonly prev: string;
  readonly event?: string | undefined;
}

/** Returns the message that has a value, already limited to `depth`, whole. */
export function wholeMessage(
  stream: Stream,
  { value, sum }: VerifiedState,
  { id, prev, event }: Place,
  depth?: StateView["depth"],
): DataMessage {
  const start = { ...streamHeartbeat(stream, undefined), ...(event === undefined ? {} : { event }) };
  const view = depth === undefined ? {} : { depth };
  return { ...start, data: value as DataMessage["data"], sum, ...view, id, prev };
}

/** Two values of one view of a stream, the second one after an entry. */
export interface ViewStep {
  readonly before: VerifiedState;
  /** The value after the entry, not yet limited to `depth`. */
  readonly after: VerifiedState;
  readonly depth: NonNullable<StateView["depth"]>;
}

/** What an entry does to the view of a depth. */
export interface ViewChange {
  readonly state: VerifiedState;
  readonly message: DataEvent;
}

/** Returns the fields of a head but its time, as JSON: a view in which only the time differs is the same. */
export const headWithoutTime = ({ time: _, ...head }: Record<string, unknown>): string => JSON.stringify(head);

/**
 * Returns what an entry changes in the view of a depth, as a change. Undefined where the view stays the same but for its
 * time: then no message is due.
 *
 * @param prev the id that the view's subscribers have.
 */
export function changeOfView(
  stream: Stream,
  { before, after, depth }: ViewStep,
  { id, prev, event }: Place,
): ViewChange | undefined {
  const format = stateFormat(stream.channel);
  if (!format?.limit) return undefined;
  const value = format.limit(after.value, depth);
  const rows = format.difference(before.value, value);
  const head = format.head(value);
  const isSame = Object.keys(rows).length === 0 && headWithoutTime(format.head(before.value)) === headWithoutTime(head);
  if (isSame) return undefined;
  const sum = sumAfter(format, before, rows);
  const start = { ...streamHeartbeat(stream, undefined), ...(event === undefined ? {} : { event }) };
  return { state: { value, sum }, message: { ...start, changes: { head, rows }, sum, depth, id, prev } };
}

/** A value with the id and the event of the message that subscribers have it from. */
export interface SentState extends StoredState {
  readonly event?: string | undefined;
}

/** What an edge has of a stream of a state channel. */
export interface HeldState {
  readonly stream: Stream;
  /** The newest value that the view's subscribers have; undefined for a stream without a value. */
  readonly state: SentState | undefined;
  /** Entries without a gap, oldest first, up to the newest one. */
  readonly entries: readonly Entry[];
}

/**
 * Returns what a subscriber gets who has a stream up to `lastId`: what changed since, composed into one message, where it
 * asked for changes and the entries reach back to there; else the whole value. Without a `lastId`, the whole value. A
 * subscriber that is ahead, because Redis has lost what it has, gets it with a `prev` that shows the gap.
 */
export function resumeState(
  { stream, state, entries }: HeldState,
  lastId: string | undefined,
  { changes, depth }: StateView,
): Recovery {
  if (lastId === (state?.id ?? FIRST_ID)) return { entries: [], recovered: true };
  if (!state) return { entries: [], recovered: lastId === undefined };
  const newest = entries.at(-1);
  const isAhead = lastId !== undefined && compareIds(lastId, state.id) > 0;
  const following =
    changes && depth === undefined && lastId !== undefined ? entriesFollowing(entries, lastId) : undefined;
  const composed = following && !isAhead ? composeEntries(following) : undefined;
  if (composed) return { entries: [composed], recovered: true };
  const own = newest?.id === state.id ? newest : undefined;
  const prev = lastId === undefined || isAhead ? (own?.prev ?? FIRST_ID) : lastId;
  // A view may be behind the newest entry, and the entry of its value no longer in memory.
  const place = { id: state.id, prev, event: state.event ?? own?.event };
  return { entries: [wholeMessage(stream, limitState(stream, state, depth), place, depth)], recovered: !isAhead };
}
