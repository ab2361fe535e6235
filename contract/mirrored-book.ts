/** The two outcomes of an order book that is sent as one. Imports no schema, so that a browser can load it alone. */
import { complementOf } from "./payloads/decimals.ts";
import type { OrderBook, OutcomeBook, PriceLevel } from "./payloads/order-book.ts";

const mirrorLevels = (levels: readonly PriceLevel[]): PriceLevel[] =>
  levels.map(({ price, size }) => ({ price: complementOf(price), size }));

/**
 * Returns the book of the other outcome, where one is the mirror of the other: a bid at 0.4 is an ask of the other at 0.6,
 * of the same size. Prices stay exact, and levels in their order, best first.
 *
 * @param book in canonical form, as it is delivered.
 */
export const mirrorBook = ({ bids, asks }: OutcomeBook): OutcomeBook => ({
  bids: mirrorLevels(asks),
  asks: mirrorLevels(bids),
});

/** Returns the book of one outcome of a delivered order book, also where only the other one is sent (`mirrored`). */
export const bookOf = (book: OrderBook, outcome: "yes" | "no"): OutcomeBook =>
  outcome === "yes" ? book.yes : (book.no ?? mirrorBook(book.yes));
