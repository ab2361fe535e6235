import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OrderBook } from "../../contract/payloads/order-book.ts";
import type { Portfolio } from "../../contract/payloads/user.ts";
import { crc32 } from "../../contract/state/crc32.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { portfolioFormat } from "../../contract/state/portfolio-format.ts";
import { composeChanges, type StateChange } from "../../contract/state/state-change.ts";
import type { StateFormat } from "../../contract/state/state-format.ts";
import { applyUnverified, applyVerified, sumAfter, sumOf } from "../../contract/state/verified-state.ts";

const price = fc.integer({ min: 1, max: 999 }).map((tick) => String(tick / 1_000));
const size = fc.integer({ min: 1, max: 20 }).map(String);

const side = (isBid: boolean) =>
  fc
    .uniqueArray(fc.record({ price, size }), { selector: (level) => level.price, maxLength: 30 })
    .map((levels) =>
      levels.toSorted((a, b) => (isBid ? Number(b.price) - Number(a.price) : Number(a.price) - Number(b.price))),
    );

const outcomeBook = fc.record({ bids: side(true), asks: side(false) });
const time = fc.integer({ min: 1_500_000_000_000, max: 1_900_000_000_000 });

const book: fc.Arbitrary<OrderBook> = fc.oneof(
  fc.record({ marketId: fc.constant("m-1"), yes: outcomeBook, no: outcomeBook, time }),
) as fc.Arbitrary<OrderBook>;

const decimal = fc.integer({ min: 0, max: 9 }).map(String);
const position = fc.record({
  marketId: fc.constantFrom("m-1", "m:2", "mé%3"),
  exchange: fc.constantFrom("polymarket", "kalshi:x"),
  outcome: fc.constantFrom("yes", "no"),
  size: decimal,
  averagePrice: decimal,
  currentPrice: decimal,
  value: decimal,
  profit: decimal,
});

const emptyPortfolio = portfolioFormat.empty(undefined);

const portfolio: fc.Arbitrary<Portfolio> = fc
  .record({
    head: fc.record({ currency: fc.constant("USDC"), value: decimal, cash: decimal, profit: decimal, time }),
    positions: fc.array(position, { maxLength: 12 }),
  })
  .map(({ head, positions }) => {
    const rows: Record<string, Record<string, unknown>> = {};
    for (const { marketId, exchange, outcome, ...row } of positions) {
      rows[`${outcome}:${encodeURIComponent(exchange)}:${encodeURIComponent(marketId)}`] = row;
    }
    return portfolioFormat.apply(emptyPortfolio, { head, rows });
  });

const changeFrom = <P extends object>(format: StateFormat<P>, before: P, after: P): StateChange => ({
  head: format.head(after),
  rows: format.difference(before, after),
});

it("the checksum of a text is the CRC-32 of zip over its UTF-8", () => {
  expect(crc32("123456789")).toBe(0xcbf43926);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(crc32(text)).toBe(zlibCrc32(text));
    }),
  );
});

describe.each([
  ["order books", orderBookFormat as StateFormat<object>, book as fc.Arbitrary<object>],
  ["portfolios", portfolioFormat as StateFormat<object>, portfolio as fc.Arbitrary<object>],
])("%s", (_, format, value) => {
  it("a value and what differs give the next value, with its sum", () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        const state = { value: before, sum: sumOf(format, before) };
        const next = applyVerified(format, state, changeFrom(format, before, after), sumOf(format, after));

        expect(JSON.stringify(next?.value)).toBe(JSON.stringify(after));
      }),
    );
  });

  it("composed changes lead where they lead one after the other", () => {
    fc.assert(
      fc.property(value, value, value, (first, second, third) => {
        const change = composeChanges(changeFrom(format, first, second), changeFrom(format, second, third));
        const next = applyUnverified(format, { value: first, sum: sumOf(format, first) }, change);

        expect(JSON.stringify(next?.value)).toBe(JSON.stringify(third));
        expect(next?.sum).toBe(sumOf(format, third));
      }),
    );
  });

  it("a change that was made for another value does not have the sum, and the value stays as it is", () => {
    fc.assert(
      fc.property(value, value, value, (mine, theirs, after) => {
        fc.pre(Object.keys(format.difference(mine, theirs)).length > 0);
        const before = JSON.stringify(mine);
        const change = changeFrom(format, theirs, after);
        const applied = applyVerified(format, { value: mine, sum: sumOf(format, mine) }, change, sumOf(format, after));

        if (applied) expect(JSON.stringify(applied.value)).toBe(JSON.stringify(after));
        expect(JSON.stringify(mine)).toBe(before);
      }),
    );
  });

  it("keeps what no row has changed", () => {
    fc.assert(
      fc.property(value, (before) => {
        const next = format.apply(before, { head: { ...format.head(before), time: 1 }, rows: {} });
        for (const [name, part] of Object.entries(before)) {
          if (typeof part === "object") expect(next[name as never]).toBe(part);
        }
      }),
    );
  });

  it("has a key and a value that are valid for each of its rows, and finds it by the key", () => {
    fc.assert(
      fc.property(value, (before) => {
        let rows = 0;
        format.forEachRow(before, (key, row) => {
          rows += 1;
          expect(format.isKey(key)).toBe(true);
          expect(format.isRow(row)).toBe(true);
          expect(format.row(before, key)).toEqual(row);
        });
        expect(rows).toBe(format.count(before));
      }),
    );
  });
});

describe("rows of order books", () => {
  it.each([
    "yes.bids.1.5",
    "yes.bids..5",
    "yes.bids.0.50",
    "yes.bids.00.5",
    "maybe.bids.0.5",
    "yes.mids.0.5",
    "__proto__",
    "",
  ])("refuses the key %j", (key) => {
    expect(orderBookFormat.isKey(key)).toBe(false);
    const change = { head: {}, rows: { [key]: "1" } };
    expect(applyUnverified(orderBookFormat, { value: orderBookFormat.empty("m"), sum: 0 }, change)).toBeUndefined();
  });

  it.each([0, 1, "0", "1.0", "-1", "1e3", "", {}, null])("refuses the size %j", (row) => {
    expect(orderBookFormat.isRow(row)).toBe(false);
  });

  it("the best levels are first, and a limited book has its own sum", () => {
    fc.assert(
      fc.property(book, (value) => {
        const top = orderBookFormat.limit?.(value, 5);
        expect(top?.yes.bids).toEqual(value.yes.bids.slice(0, 5));
        expect(top?.no?.asks).toEqual(value.no?.asks.slice(0, 5));
        expect(top && sumOf(orderBookFormat, top)).toBe(
          top &&
            sumAfter(
              orderBookFormat,
              { value, sum: sumOf(orderBookFormat, value) },
              orderBookFormat.difference(value, top),
            ),
        );
      }),
    );
  });

  it("a mirrored book has one side", () => {
    const mirrored = { marketId: "m", yes: { bids: [{ price: "0.4", size: "1" }], asks: [] }, mirrored: true, time: 1 };
    const change = { head: { mirrored: true, time: 2 }, rows: { "yes.bids.0.4": "2" } };
    expect(orderBookFormat.apply(mirrored as never, change)).toEqual({
      ...mirrored,
      yes: { bids: [{ price: "0.4", size: "2" }], asks: [] },
      time: 2,
    });
  });
});

describe("rows of portfolios", () => {
  it.each(["yes:a", "yes:a:b:c", "yes::b", "yes:%zz:b", "yes:a%3a:b", "may:a:b"])("refuses the key %j", (key) => {
    expect(portfolioFormat.isKey(key)).toBe(false);
  });
});
