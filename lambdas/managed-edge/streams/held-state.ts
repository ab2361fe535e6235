import { ChannelError } from "../../../contract/errors.ts";
import { compareIds } from "../../../contract/ids.ts";
import type { Stream } from "../../../contract/stream.ts";
import type { HeldState } from "../../../kernel/protocol/state-recovery.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import { DamagedStateError, type StoredState } from "../../../kernel/streams/stored-state.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import { readAfter } from "./read-after.ts";

/**
 * Resolves with the value that Redis holds of a stream of a state channel; undefined where there is none.
 *
 * @throws DamagedStateError where it is not the one that was published; else Redis's error.
 */
export type ReadState = (stream: Stream) => Promise<StoredState | undefined>;

export interface StateContext {
  readonly reader: StreamReader;
  readonly readState: ReadState;
}

/** The error of a stream whose value is damaged; its next whole value heals it. */
export const valueUnavailable = (): ChannelError =>
  new ChannelError("unavailable", "the current value cannot be read; subscribe again later");

/**
 * Returns a value that was read after an entry, once the entries prove it: it is not older than this entry, and has the
 * sum of the entry that it came with.
 *
 * @param entries up to the value's own, the newest one last.
 * @throws DamagedStateError
 */
export function provenState(
  stream: Stream,
  state: StoredState | undefined,
  entries: readonly Entry[],
): StoredState | undefined {
  const newest = entries.at(-1);
  if (!newest) return state;
  if (!state) throw new DamagedStateError(stream, "it is missing");
  if (compareIds(state.id, newest.id) < 0) throw new DamagedStateError(stream, "it is older than the newest entry");
  if (state.id === newest.id && state.sum !== newest.sum) {
    throw new DamagedStateError(stream, "it does not have the newest entry's sum");
  }
  return state;
}

/** Returns the entries up to an id. */
export const entriesUpTo = (entries: readonly Entry[], upTo: string): readonly Entry[] =>
  entries.filter(({ id }) => compareIds(id, upTo) <= 0);

/**
 * Resolves with the newest value of a stream, and with the entry that it came with.
 *
 * @throws DamagedStateError where Redis has another value than was published; else Redis's error.
 */
export async function readHeldState({ reader, readState }: StateContext, stream: Stream): Promise<HeldState> {
  const newest = await reader.newest(stream, 1);
  const state = provenState(stream, await readState(stream), newest);
  const [{ id } = { id: state?.id }] = newest;
  if (!state || id === undefined || state.id === id) return { stream, state, entries: newest };
  // The value is newer than the entry that was read before it.
  const entries = entriesUpTo(await readAfter(reader, stream, id), state.id);
  return { stream, state: provenState(stream, state, entries), entries };
}
