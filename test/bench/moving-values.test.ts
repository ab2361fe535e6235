import { describe, expect, it } from "vitest";
import { MovingBook } from "../../bench/values/moving-book.ts";
import { MovingPortfolio } from "../../bench/values/moving-portfolio.ts";
import { channels } from "../../contract/channels.ts";
import { bookOf } from "../../contract/mirrored-book.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { portfolioFormat } from "../../contract/state/portfolio-format.ts";

describe("a book of the bench", () => {
  const book = new MovingBook("m", 100);

  it("changes by one level of YES and its mirror in NO", () => {
    const before = book.value;
    const change = book.move();

    expect(Object.keys(change.rows)).toHaveLength(2);
    expect(orderBookFormat.difference(before, book.value)).toEqual(change.rows);
    expect(orderBookFormat.apply(before, change)).toEqual(book.value);
  });

  it("is in the form that clients get, NO the exact mirror of YES", () => {
    expect(channels["market:orderbook"].payload.parse(book.value)).toEqual(book.value);
    const { no: _, ...mirrored } = { ...book.value, mirrored: true as const };
    expect(bookOf(mirrored, "no")).toEqual(book.value.no);
  });
});

it("a portfolio of the bench is in the form that clients get, and changes by few positions", () => {
  const portfolio = new MovingPortfolio(100);
  const [before, after] = [portfolio.move(), portfolio.move()];

  const rows = Object.keys(portfolioFormat.difference(before, after)).length;

  expect(channels["user:portfolio"].payload.parse(after)).toEqual(after);
  expect(rows > 0 && rows <= 3).toBe(true);
});
