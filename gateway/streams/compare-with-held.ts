import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { Entry } from "../../kernel/streams/entry.ts";

interface Comparison {
  /** The first of the held entries that subscribers are to get. */
  readonly start: number;
  /** The first of the held entries that is newer than the last known one; -1 where none is. */
  readonly newer: number;
  /** Whether the last known entry is still part of the stream, or was once and is trimmed. */
  readonly isOurs: boolean;
}

/**
 * Where to go on in a stream that was reset to older ids and has nothing in common with what is known: with what surely
 * is not from before the known entries, and with the newest at least. Its id and `prev` show the reset to subscribers.
 */
function firstUnknown(known: readonly Entry[], held: readonly Entry[]): number {
  const oldest = known[0]?.id ?? FIRST_ID;
  const first = held.findIndex(({ id }) => compareIds(id, oldest) > 0);
  return first >= 0 ? first : Math.max(0, held.length - 1);
}

/** Compares what a node knows of a stream, up to `lastId`, with all that Redis holds of it; both the oldest first. */
export function compareWithHeld(known: readonly Entry[], lastId: string, held: readonly Entry[]): Comparison {
  const newer = held.findIndex(({ id }) => compareIds(id, lastId) > 0);
  const ids = new Set(known.map(({ id }) => id));
  const common = held.findLastIndex(({ id }) => ids.has(id));
  if (common >= 0) return { start: common + 1, newer, isOurs: held[common]?.id === lastId };
  return { start: newer >= 0 ? newer : firstUnknown(known, held), newer, isOurs: newer >= 0 };
}
