import fc from "fast-check";
import { expect, it } from "vitest";
import { orderBookFormat as format } from "../../contract/state/order-book-format.ts";
import { applyVerified, sumOf } from "../../contract/state/verified-state.ts";
import { touchesView } from "../../lambdas/managed-edge/fan-out/touches-view.ts";
import { changesOfView } from "../../lambdas/managed-edge/fan-out/view-changes.ts";
import type { Book } from "../support/books.ts";

/** Few prices, so that two books have many in common. */
const levels = (isBid: boolean) =>
  fc
    .uniqueArray(fc.record({ tick: fc.integer({ min: 1, max: 12 }), size: fc.integer({ min: 1, max: 2 }) }), {
      selector: ({ tick }) => tick,
      maxLength: 10,
    })
    .map((list) =>
      list
        .toSorted((a, b) => (isBid ? b.tick - a.tick : a.tick - b.tick))
        .map(({ tick, size }) => ({ price: String(tick / 100), size: String(size) })),
    );

const outcome = fc.record({ bids: levels(true), asks: levels(false) });
const book = fc.record({ marketId: fc.constant("m"), yes: outcome, no: outcome, time: fc.constant(1) });

it("finds every change of the best levels, and not all changes below them", () => {
  let below = 0;
  const isFound = (before: Book, after: Book, depth: number): void => {
    const rows = format.difference(before, after);
    const isTouched = touchesView(format, { value: after, depth }, { head: format.head(after), rows });
    const [view, next] = [format.limit?.(before, depth), format.limit?.(after, depth)];
    if (JSON.stringify(view) !== JSON.stringify(next)) expect(isTouched).toBe(true);
    else if (Object.keys(rows).length > 0 && !isTouched) below += 1;
  };
  fc.assert(fc.property(book, book, fc.constantFrom(1, 3, 5), isFound as never), { numRuns: 2_000 });

  const deep = { bids: [], asks: [1, 2, 3, 4].map((tick) => ({ price: `0.${tick}`, size: "1" })) };
  const at = (yes: typeof deep): Book => ({ marketId: "m", yes, no: { bids: [], asks: [] }, time: 1 }) as Book;
  isFound(at(deep), at({ ...deep, asks: deep.asks.slice(0, 3) }), 1);
  expect(below).toBeGreaterThan(0);
});

it("changes of a view lead from whatever it was before to what it is", () => {
  const isProven = (before: Book, after: Book, depth: number): void => {
    const rows = format.difference(before, after);
    const view = format.limit?.(after, depth) as Book;
    const change = changesOfView(format, { value: after, depth }, { head: format.head(after), rows });
    const held = format.limit?.(before, depth) as Book;
    const next =
      change && applyVerified(format, { value: held, sum: sumOf(format, held) }, change, sumOf(format, view));
    expect(next?.value).toEqual(view);
  };
  fc.assert(fc.property(book, book, fc.constantFrom(1, 3, 5), isProven as never), { numRuns: 2_000 });

  const keys = { head: {}, rows: { "yes.nothing.0.1": null } };
  const one = fc.sample(book, 1)[0] as unknown as Book;
  expect(changesOfView(format, { value: one, depth: 5 }, keys)).toBeUndefined();
});
