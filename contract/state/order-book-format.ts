import { comparePrices } from "../payloads/decimals.ts";
import type { OrderBook } from "../payloads/order-book.ts";
import { addDifference, findItem, type ListOrder, setItem } from "./sorted-list.ts";
import type { RowValue, StateChange } from "./state-change.ts";
import type { Rows, StateFormat } from "./state-format.ts";

type Outcome = "yes" | "no";
type Side = "bids" | "asks";
type Book = OrderBook["yes"];
type Level = Book["bids"][number];

const outcomes: readonly Outcome[] = ["yes", "no"];
const sides: readonly Side[] = ["bids", "asks"];

const keyOf = ({ price }: Level): string => price;

/**
 * The best price comes first. Canonical prices lie between 0 and 1 and have no trailing zeros, so that their order as texts
 * is the order of the numbers.
 */
const orders: Readonly<Record<Side, ListOrder<Level>>> = {
  bids: { keyOf, compare: (a, b) => comparePrices(b, a) },
  asks: { keyOf, compare: comparePrices },
};

/** `<outcome>.<side>.<price>`, as in `yes.bids.0.42`; the price and the size in canonical form. */
const ROW_KEY = /^(yes|no)\.(bids|asks)\.(0\.\d*[1-9]|[01])$/;
const SIZE = /^(?:[1-9]\d*(?:\.\d*[1-9])?|0\.\d*[1-9])$/;

const rowKey = (outcome: Outcome, side: Side, price: string): string => `${outcome}.${side}.${price}`;

interface ParsedKey {
  readonly outcome: Outcome;
  readonly side: Side;
  readonly price: string;
}

function parseKey(key: string): ParsedKey {
  const [outcome = "", side = ""] = key.split(".", 2);
  return { outcome: outcome as Outcome, side: side as Side, price: key.slice(outcome.length + side.length + 2) };
}

const emptyBook: Book = { bids: [], asks: [] };

/** Builds an order book with its fields in canonical order. */
function build(
  { marketId }: Pick<OrderBook, "marketId">,
  books: Readonly<Record<Outcome, Book>>,
  head: StateChange["head"],
) {
  const { time, ...others } = head;
  const no = head.mirrored === true ? {} : { no: books.no };
  return { marketId, yes: books.yes, ...no, ...others, time } as OrderBook;
}

const bookOf = (value: OrderBook, outcome: Outcome): Book => (value[outcome] as Book | undefined) ?? emptyBook;

/** The levels of a value that a change has touched so far, copied once each. */
class Draft {
  readonly #value: OrderBook;
  readonly #levels = new Map<string, Level[]>();

  constructor(value: OrderBook) {
    this.#value = value;
  }

  set(key: string, size: RowValue | null): void {
    const { outcome, side, price } = parseKey(key);
    const name = `${outcome}.${side}`;
    const levels = this.#levels.get(name) ?? [...bookOf(this.#value, outcome)[side]];
    this.#levels.set(name, levels);
    setItem(levels, price, size === null ? undefined : { price, size: size as string }, orders[side]);
  }

  book(outcome: Outcome): Book {
    const before = bookOf(this.#value, outcome);
    const bids = this.#levels.get(`${outcome}.bids`) ?? before.bids;
    const asks = this.#levels.get(`${outcome}.asks`) ?? before.asks;
    return bids === before.bids && asks === before.asks ? before : { bids, asks };
  }
}

const limitBook = ({ bids, asks }: Book, depth: number): Book => ({
  bids: bids.slice(0, depth),
  asks: asks.slice(0, depth),
});

/** Order books: a row is the size at one price of one side, and the head has the time and whether NO mirrors YES. */
export const orderBookFormat: StateFormat<OrderBook> = {
  empty: (key) => ({ marketId: key, yes: emptyBook, no: emptyBook, time: 0 }) as OrderBook,
  head({ marketId: _, yes: __, no: ___, ...head }) {
    return head;
  },
  count(value) {
    const no = bookOf(value, "no");
    return value.yes.bids.length + value.yes.asks.length + no.bids.length + no.asks.length;
  },
  // A price of 42 characters, a size of 61, and the names of both.
  maximumRowBytes: 130,
  // `{"price":"","size":},` in place of `yes.bids.`, and quotes.
  rowOverheadBytes: 16,
  forEachRow(value, visit) {
    for (const outcome of outcomes) {
      for (const side of sides) {
        for (const { price, size } of bookOf(value, outcome)[side]) visit(rowKey(outcome, side, price), size);
      }
    }
  },
  row(value, key) {
    const { outcome, side, price } = parseKey(key);
    return findItem(bookOf(value, outcome)[side], price, orders[side])?.size;
  },
  isKey: (key) => ROW_KEY.test(key),
  isRow: (row): row is RowValue => typeof row === "string" && SIZE.test(row),
  apply(value, { head, rows }) {
    const draft = new Draft(value);
    for (const key of Object.keys(rows)) draft.set(key, rows[key] ?? null);
    return build(value, { yes: draft.book("yes"), no: draft.book("no") }, head);
  },
  difference(before, after) {
    const rows: Record<string, Rows[string]> = {};
    for (const outcome of outcomes) {
      for (const side of sides) {
        addDifference(bookOf(before, outcome)[side], bookOf(after, outcome)[side], rows, {
          ...orders[side],
          rowKey: ({ price }) => rowKey(outcome, side, price),
          rowValue: ({ size }) => size,
          isEqual: (a, b) => a.size === b.size,
        });
      }
    }
    return rows;
  },
  limit(value, depth) {
    const yes = limitBook(value.yes, depth);
    return build(value, { yes, no: limitBook(bookOf(value, "no"), depth) }, orderBookFormat.head(value));
  },
};
