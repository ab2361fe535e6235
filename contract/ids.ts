/**
 * The ids of a stream's entries, `<milliseconds>-<number>` as Redis writes them: their form, their order and their time.
 * Imports nothing, so that a browser loads no schema with it.
 */

/** The id before the first entry of a stream: `prev` of that entry, and `lastId` for all that is still held. */
export const FIRST_ID = "0-0";

/**
 * An entry id as Redis writes it. 15 digits are 31,700 years and stay below 2^53, so that ids compare as numbers; leading
 * zeros would give one id two names.
 */
export const ENTRY_ID = /^(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,14})$/;

/** Returns the time of an id, in milliseconds since 1970 by the clock of the Redis that gave it. */
export const timeOf = (id: string): number => Number.parseInt(id, 10);

/** Compares two numbers without leading zeros by their digits: exact, however long they are. */
const compareDigits = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : Number(a > b));

/** Compares two ids: negative where `a` is older, 0 where they are the same. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  const [aTime = "", aSequence = ""] = a.split("-");
  const [bTime = "", bSequence = ""] = b.split("-");
  return compareDigits(aTime, bTime) || compareDigits(aSequence, bSequence);
}

/** Returns the newer of two ids. */
export const laterId = (a: string, b: string): string => (compareIds(a, b) < 0 ? b : a);
