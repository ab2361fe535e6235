import { compareIds, FIRST_ID, laterId } from "../../../contract/ids.ts";
import type { Stream } from "../../../contract/stream.ts";
import { isLatest } from "../../../kernel/protocol/recovery.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import { encodeFrame } from "../posting/poster.ts";

/** The entries of a stream that are to be delivered. */
export interface PendingEntries {
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** The id up to which subscribers have the stream, unless their own start is newer; undefined where they have nothing. */
  readonly after: string | undefined;
  /** True where Redis has lost the entry that `after` names, so that `after` says nothing. */
  readonly isReset: boolean;
  /** By depth, the id of the last message of a view up to `after`, where it is known. */
  readonly viewIds?: Readonly<Record<string, string>> | undefined;
}

/** Returns the frames of one connection. */
export type FramesFor = (connectionId: string) => readonly string[];

/**
 * Returns the `prev` of a value that replaces all those that a subscriber did not get: the id of the last one that it has.
 * After a reset the entry's own, so that the subscriber sees the gap.
 */
export function conflatedPrev(entry: Entry, { after, isReset }: PendingEntries, start: string | undefined): string {
  if (isReset) return entry.prev;
  return laterId(after ?? FIRST_ID, start ?? FIRST_ID);
}

/**
 * Encodes the pending entries of a stream for its connections.
 *
 * @param starts by connection, the id that it had as it went live, where that is not `pending.after`.
 */
export function encodeEntries(stream: Stream, pending: PendingEntries, starts: ReadonlyMap<string, string>): FramesFor {
  // By id and `prev`: most connections get the same text.
  const encoded = new Map<string, string>();
  const isConflated = isLatest(stream);
  const encode = (entry: Entry, start: string | undefined): string => {
    const prev = isConflated ? conflatedPrev(entry, pending, start) : entry.prev;
    const name = `${entry.id} ${prev}`;
    const text = encoded.get(name) ?? encodeFrame({ event: "data", data: { ...entry, prev } });
    encoded.set(name, text);
    return text;
  };
  return (connectionId) => {
    const start = starts.get(connectionId);
    const { entries } = pending;
    const newer = start === undefined ? entries : entries.filter(({ id }) => compareIds(id, start) > 0);
    return newer.map((entry) => encode(entry, start));
  };
}
