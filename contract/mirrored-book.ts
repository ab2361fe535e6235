/** The two outcomes of an order book that is sent as one. Imports no schema, so that a browser can load it alone. */
import { complementOf } from "./payloads/decimals.ts";
import type { OrderBook, OutcomeBook, PriceLevel } from "./payloads/order-book.ts";

/** Returns a function that computes the counterpart of an object once. */
function once<A extends object, B>(compute: (object: A) => B): (object: A) => B {
  const known = new WeakMap<A, B>();
  return (object) => {
    const found = known.get(object);
    if (found !== undefined) return found;
    const computed = compute(object);
    known.set(object, computed);
    return computed;
  };
}

// Each by its own identity, so that what is unchanged in one outcome is unchanged in the other.
const mirrorLevel = once(({ price, size }: PriceLevel): PriceLevel => ({ price: complementOf(price), size }));
const mirrorLevels = once((levels: OutcomeBook["bids"]) => levels.map(mirrorLevel));

/**
 * Returns the book of the other outcome, where one is the mirror of the other: a bid at 0.4 is an ask of the other at 0.6,
 * of the same size. Prices stay exact, and levels in their order, best first. The same book gives the same object.
 *
 * @param book in canonical form, as it is delivered.
 */
export const mirrorBook = once(
  ({ bids, asks }: OutcomeBook): OutcomeBook => ({ bids: mirrorLevels(asks), asks: mirrorLevels(bids) }),
);

/** Returns the book of one outcome of a delivered order book, also where only the other one is sent (`mirrored`). */
export const bookOf = (book: OrderBook, outcome: "yes" | "no"): OutcomeBook =>
  outcome === "yes" ? book.yes : (book.no ?? mirrorBook(book.yes));
