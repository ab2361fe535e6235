import { describe, expect, it } from "vitest";
import type { DataEvent } from "../../contract/messages.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import { KeptValue } from "../../drill/kept-value.ts";
import { type Book, book } from "../support/books.ts";

const marketId = "m";
const sizes = (bid: number): Book => book(marketId, [bid, 2], [3]);
const place = (id: number) => ({ channel: "market:orderbook", marketId, id: `${id}-0`, prev: `${id - 1}-0` }) as const;

const whole = (id: number, value: Book): DataEvent => ({
  ...place(id),
  data: value,
  sum: sumOf(orderBookFormat, value),
});

const change = (id: number, before: Book, after: Book): DataEvent => ({
  ...place(id),
  changes: { head: orderBookFormat.head(after), rows: orderBookFormat.difference(before, after) },
  sum: sumOf(orderBookFormat, after),
});

describe("the drill's value of a state channel", () => {
  it("is proven by whole values and by what changes them", () => {
    const [a, b, c] = [sizes(1), sizes(2), sizes(3)];
    const kept = new KeptValue();
    expect([whole(1, a), change(2, a, b), change(3, b, c)].map((each) => kept.take(each))).toEqual([
      "proven",
      "proven",
      "proven",
    ]);
  });

  it("has a hole where a change does not follow, or has nothing to follow", () => {
    const [a, b, c] = [sizes(1), sizes(2), sizes(3)];
    expect(new KeptValue().take(change(2, a, b))).toBe("hole");
    const kept = new KeptValue();
    kept.take(whole(1, a));
    expect(kept.take(change(3, b, c))).toBe("hole");
    expect(kept.take(whole(3, c))).toBe("proven");
  });

  it("does not match where a sum is another one, and has no value then", () => {
    const [a, b, c] = [sizes(1), sizes(2), sizes(3)];
    const kept = new KeptValue();
    expect(kept.take({ ...whole(1, a), sum: 1 })).toBe("mismatch");
    kept.take(whole(1, a));
    expect(kept.take({ ...change(2, a, b), sum: 1 })).toBe("mismatch");
    expect(kept.take(change(3, b, c))).toBe("hole");
  });
});
