import { describe, expect, it } from "vitest";
import { measureBooks } from "../../bench/page/books.ts";
import { createBookTraffic, createLevelTraffic, prepareBookTraffic } from "../../bench/page/traffic.ts";
import { channels, type Payload } from "../../contract/channels.ts";
import type { ChannelUpdate } from "../../contract/domain-events.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { prepareMessage } from "../../kernel/streams/prepare-message.ts";

const MARKETS = 3;
const ROUNDS = 40;

type Book = Payload<"market:orderbook">;

/** The values that messages of books lead to, each of them as the publisher reads it. */
function valuesOf(next: () => ChannelUpdate): Map<string | undefined, object> {
  const values = new Map<string | undefined, object>();
  for (let count = 0; count < MARKETS * ROUNDS; count += 1) {
    const prepared = prepareMessage(next());
    if (!("content" in prepared)) throw new Error("not a book");
    const { content, stream } = prepared;
    const before = values.get(stream.key) as Book;
    values.set(stream.key, content.kind === "whole" ? content.value : orderBookFormat.apply(before, content.change));
  }
  return values;
}

describe("books of the page's bench", () => {
  it("are whole at first, and then one level and its mirror, of all markets in turn", () => {
    const next = createLevelTraffic(MARKETS);
    const rows = Array.from({ length: MARKETS * 3 }, next).map(
      (message) => "changes" in message && Object.keys(message.changes?.rows ?? {}).length,
    );

    expect(rows).toEqual([...Array(MARKETS).fill(false), ...Array(MARKETS * 2).fill(2)]);
    expect(valuesOf(createLevelTraffic(MARKETS)).size).toBe(MARKETS);
  });

  it("are prepared as changes that lead to the values of a wandering price, and end", () => {
    const next = prepareBookTraffic(MARKETS, ROUNDS);
    const values = valuesOf(next);

    const whole = createBookTraffic(MARKETS);
    const last = Array.from({ length: MARKETS * ROUNDS }, whole).slice(-MARKETS);
    for (const { key, data } of last) {
      const { time: _, ...expected } = channels["market:orderbook"].payload.parse(data);
      expect(values.get(key)).toMatchObject(expected);
    }
    expect(next).toThrow(RangeError);
  });
});

it("measures pages of books by changes, with the levels shown, and by whole values", async () => {
  const rows = await measureBooks({ markets: 6, updates: 10, seconds: 1, runs: 1, isWandering: true });

  const positive = expect.toSatisfy((value: number) => value > 0);
  expect(rows).toEqual(
    [
      ["changes, all levels", 6],
      ["changes, 5 levels a side", 6],
      ["whole values", 5],
    ].map(([what, books]) =>
      expect.objectContaining({ what, books, rendersPerSecond: positive, mainThreadMs: positive }),
    ),
  );
});
