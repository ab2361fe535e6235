import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bookOf, mirrorBook } from "../../contract/mirrored-book.ts";
import { orderBook } from "../../contract/payloads/order-book.ts";
import { findSuspicions } from "../../contract/suspicions.ts";

const TIME = Date.UTC(2026, 0, 1);
const none = { bids: [], asks: [] };

const parse = (fields: object) => orderBook.parse({ marketId: "m", yes: none, no: none, time: TIME, ...fields });

const level = fc.record({
  price: fc.integer({ min: 0, max: 1_000 }).map((tick) => (tick / 1_000).toFixed(3)),
  size: fc.constantFrom("0", "0.00", "1", "2.50", "1e3"),
});

/** The rules in their simplest form: the last size of a price counts, 0 is no level. */
function expected(levels: readonly { price: string; size: string }[], direction: number) {
  const sizes = new Map(levels.map(({ price, size }) => [Number(price), Number(size)]));
  return [...sizes].filter(([, size]) => size > 0).toSorted(([a], [b]) => (a - b) * direction);
}

describe("the levels of a book", () => {
  it("are delivered best first, each price once, none of size 0", () => {
    fc.assert(
      fc.property(fc.array(level, { maxLength: 60 }), (levels) => {
        const { bids, asks } = parse({ yes: { bids: levels, asks: levels } }).yes;
        expect(bids.map(({ price, size }) => [Number(price), Number(size)])).toEqual(expected(levels, -1));
        expect(asks.map(({ price, size }) => [Number(price), Number(size)])).toEqual(expected(levels, 1));
        expect(parse({ yes: { bids, asks } }).yes).toEqual({ bids, asks });
      }),
    );
  });

  it("become one text, whatever the order of levels and keys and the spelling", () => {
    const one = parse({ yes: { bids: [{ price: "0.5", size: "1" }, ["0.4", "2"]], asks: null } });
    const sent = { asks: [], bids: [["4e-1", "2.0"], { size: "1.", extra: true, price: "0.50" }] };
    const other = orderBook.parse({ time: String(TIME), no: none, yes: sent, marketId: "m" });
    expect(JSON.stringify(other)).toBe(JSON.stringify(one));
  });

  it("can be 1,000 on each side", () => {
    const levels = Array.from({ length: 1_000 }, (_, index) => [`0.${String(index).padStart(3, "0")}1`, "1"]);
    expect(parse({ yes: { bids: levels, asks: levels } }).yes.bids).toHaveLength(1_000);
  });
});

describe("a mirrored book", () => {
  const yes = {
    bids: [
      { price: "0.48", size: "7" },
      { price: "0.4", size: "1" },
    ],
    asks: [{ price: "0.5001", size: "2" }],
  };
  const no = {
    bids: [{ price: "0.4999", size: "2" }],
    asks: [
      { price: "0.52", size: "7" },
      { price: "0.6", size: "1" },
    ],
  };

  it("has the other side in exact prices, best first", () => {
    const book = orderBook.parse({ marketId: "m", yes, mirrored: true, time: TIME });
    expect(book).toEqual({ marketId: "m", yes, mirrored: true, time: TIME });
    expect(bookOf(book, "yes")).toEqual(yes);
    expect(bookOf(book, "no")).toEqual(no);
    expect(mirrorBook(no)).toEqual(yes);
  });

  it("is not needed where both sides are sent", () => {
    expect(bookOf(parse({ yes, no: none }), "no")).toEqual(none);
  });
});

describe("findSuspicions", () => {
  const at = (price: string) => [{ price, size: "1" }];
  it.each([
    ["a sound book", { yes: { bids: at("0.4"), asks: at("0.5") } }, []],
    ["a bid at the price of the ask", { yes: { bids: at("0.5"), asks: at("0.5") } }, []],
    ["a crossed book", { yes: { bids: at("0.6"), asks: at("0.50") } }, ["crossed_book"]],
    ["a crossed book of NO", { no: { bids: at("1"), asks: at("0.999") } }, ["crossed_book"]],
    ["a price twice", { yes: { bids: [...at("0.5"), ...at("0.50")], asks: [] } }, ["dropped_levels"]],
    ["a level of size 0", { no: { bids: [{ price: "0.5", size: "0" }], asks: [] } }, ["dropped_levels"]],
  ])("finds in %s", (_name, fields, found) => {
    const sent = { yes: none, no: none, ...fields };
    expect(findSuspicions("market:orderbook", sent, parse(fields))).toEqual(found);
  });

  it("finds prices that do not add up to 1", () => {
    expect(findSuspicions("market:prices", {}, { yes: "0.56", no: "0.44" })).toEqual([]);
    expect(findSuspicions("market:prices", {}, { yes: "0.56", no: "0.45" })).toEqual(["prices_not_one"]);
  });
});
