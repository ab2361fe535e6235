import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { Entry } from "../../kernel/streams/entry.ts";

interface Comparison {
  /** Index of the first held entry to deliver. */
  readonly start: number;
  /** Index of the first held entry that is newer than the last known one; -1 if none is. */
  readonly newer: number;
  /** True if the last known entry is part of the stream, or was and is trimmed. */
  readonly isOurs: boolean;
}

/**
 * Returns the index to continue at in a stream that was reset to older ids and has no entry in common with the known ones:
 * at the first entry that is surely not older than the known ones, or at the newest. Its id and `prev` show the reset to
 * subscribers.
 */
function firstUnknown(known: readonly Entry[], held: readonly Entry[]): number {
  const oldest = known[0]?.id ?? FIRST_ID;
  const first = held.findIndex(({ id }) => compareIds(id, oldest) > 0);
  return first >= 0 ? first : Math.max(0, held.length - 1);
}

/** Compares the entries that a node knows of a stream, up to `lastId`, with all that Redis holds; both oldest first. */
export function compareWithHeld(known: readonly Entry[], lastId: string, held: readonly Entry[]): Comparison {
  const newer = held.findIndex(({ id }) => compareIds(id, lastId) > 0);
  const ids = new Set(known.map(({ id }) => id));
  const common = held.findLastIndex(({ id }) => ids.has(id));
  if (common >= 0) return { start: common + 1, newer, isOurs: held[common]?.id === lastId };
  return { start: newer >= 0 ? newer : firstUnknown(known, held), newer, isOurs: newer >= 0 };
}
