/**
 * The part of the protocol that a client needs at run time. It stands alone, so that a browser does not load the
 * schemas and their library with it.
 */

/** The Socket.IO namespace of the service. */
export const NAMESPACE = "/ws";

/** The WebSocket subprotocol of the managed edge: `new WebSocket(url, ["vezta", token])`, or without the token. */
export const SUBPROTOCOL = "vezta";

/** Most markets that one request may name, and most entries of a `lastId` map. */
export const MAXIMUM_KEYS = 500;

/** Longest market id, in UTF-16 code units. */
export const MAXIMUM_MARKET_LENGTH = 128;

/** Most subscriptions (streams and whole channels) of one connection, unless the operator set another number. */
export const MAXIMUM_SUBSCRIPTIONS = 1_000;

/** Most values a second that `maxRate` may ask for; who wants more leaves it out. */
export const MAXIMUM_RATE = 50;

/** The id before the first entry of a stream: `prev` of that entry, and `lastId` for "all that you still have". */
export const FIRST_ID = "0-0";

/** Compares two numbers without leading zeros by their digits: exact, however long they are. */
const compareDigits = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : Number(a > b));

/** Compares two entry ids (`<ms>-<n>`): negative where `a` is older, 0 where they are the same. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  const [aTime = "", aSequence = ""] = a.split("-");
  const [bTime = "", bSequence = ""] = b.split("-");
  return compareDigits(aTime, bTime) || compareDigits(aSequence, bSequence);
}
