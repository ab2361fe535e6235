import { channelDefinition } from "../../contract/channels.ts";
import { compareIds, FIRST_ID, type Stream, type Topic } from "../../contract/stream.ts";
import type { Entry } from "../streams/entry.ts";

/** The entries of one stream that go out with the answer to a `subscribe`, oldest first. */
export interface Recovery {
  readonly entries: readonly Entry[];
  /** False where an entry after the client's last id is no longer held: then the client has a gap. */
  readonly recovered: boolean;
}

/** True where only the newest value of each key counts, so that values in between may be left out. */
export const isLatest = ({ channel }: Topic): boolean => channelDefinition(channel).delivery === "latest";

/** Returns what a client without a last id gets: the newest value of a `latest` stream, nothing of the others. */
export const snapshotOf = (stream: Stream, newest: Entry | undefined): Recovery => ({
  entries: newest && isLatest(stream) ? [newest] : [],
  recovered: true,
});

/** Returns a value as the direct successor of the one with the id `prev`: those in between were left out. */
export const conflate = (entry: Entry, prev: string): Entry => ({ ...entry, prev });

/**
 * Resumes a `latest` stream after an id: with the newest value, whose `prev` becomes that id. A client that is ahead of
 * the stream, because Redis has lost what it has, gets the newest value as it is: its `prev` shows the gap.
 */
export function resumeLatest(newest: Entry | undefined, lastId: string): Recovery {
  if (lastId === (newest?.id ?? FIRST_ID)) return { entries: [], recovered: true };
  if (!newest) return { entries: [], recovered: false };
  if (compareIds(lastId, newest.id) > 0) return { entries: [newest], recovered: false };
  return { entries: [conflate(newest, lastId)], recovered: true };
}

/**
 * Returns the entries after an id, where the one that follows it directly is among `held`; undefined where it is not, so
 * that `held` does not show that nothing is missing.
 *
 * @param held entries of one stream without a gap, oldest first.
 */
export function entriesFollowing(held: readonly Entry[], id: string): readonly Entry[] | undefined {
  const index = held.findIndex(({ prev }) => prev === id);
  return index < 0 ? undefined : held.slice(index);
}
