import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { channels, type Payload } from "../../contract/channels.ts";
import { parseByKnownLevels } from "../../kernel/streams/known-levels.ts";

type Book = Payload<"market:orderbook">;

const schema = channels["market:orderbook"].payload;
const parse = (sent: unknown) => schema.safeParse(sent).data as Book | undefined;

const level = (price: string, size: string) => ({ price, size });
const bids = [level("0.5", "10"), level("0.45", "20"), level("0.4", "30"), level("0.3", "40")];
const asks = [level("0.51", "1"), level("0.55", "2"), level("0.6", "3")];
const head = { marketId: "m", time: 1_764_000_000_000 };
const known: Book = { ...head, yes: { bids, asks }, no: { bids, asks } };

/** A book as it arrives: no object of it is one of the known book's. */
const sentOf = (book: object): Record<string, unknown> => JSON.parse(JSON.stringify(book));

describe("a book that is read by the one before it", () => {
  it.each([
    ["the same", bids],
    ["another size", bids.with(1, level("0.45", "21"))],
    ["a size in another spelling", bids.with(1, level("0.45", "21.50"))],
    ["a new best level", [level("0.505", "7"), ...bids]],
    ["a new worst level", [...bids, level("0.2", "7")]],
    ["a level between two", [...bids.slice(0, 2), level("0.42", "7"), ...bids.slice(2)]],
    ["a level that is gone", bids.toSpliced(1, 1)],
  ])("is as its schema reads it, and shares what is the same: %s", (_, changed) => {
    const sent = sentOf({ ...known, time: head.time + 1, yes: { bids: changed, asks } });

    const value = parseByKnownLevels(known, sent, parse);

    expect(value).toEqual(parse(sent));
    expect(value?.no?.bids).toBe(bids);
    expect(value?.yes.asks).toBe(asks);
    expect(value?.yes.bids.filter((each) => bids.includes(each)).length).toBeGreaterThanOrEqual(3);
  });

  it.each<[string, object]>([
    ["a level of size 0", { yes: { bids: bids.with(1, level("0.45", "0")), asks } }],
    ["a price twice", { yes: { bids: [...bids, level("0.3", "41")], asks } }],
    [
      "levels that are not in order",
      { yes: { bids: [...bids.slice(0, 3), level("0.7", "1"), ...bids.slice(3)], asks } },
    ],
    ["mostly other levels", { yes: { bids: [level("0.1", "1")], asks } }],
    ["a size that is no decimal", { yes: { bids: bids.with(1, level("0.45", "many")), asks } }],
    ["no list", { yes: { bids: "none", asks } }],
    ["no book of NO", { no: undefined }],
    ["another time", { time: "soon" }],
  ])("has to be read as a whole with %s", (_, changes) => {
    expect(parseByKnownLevels(known, sentOf({ ...known, ...changes }), parse)).toBeUndefined();
  });

  it("is never anything else than what its schema reads", () => {
    const price = fc.constantFrom("0.2", "0.3", "0.4", "0.42", "0.45", "0.450", "0.5", "0.51", "0.6", "1.5");
    const size = fc.constantFrom("0", "1", "10", "20", "30", "40", "x");
    const levels = fc.array(fc.record({ price, size }), { maxLength: 6 });
    const edited = fc
      .tuple(fc.nat(4), fc.nat(2), fc.array(fc.record({ price, size }), { maxLength: 2 }))
      .map(([start, gone, added]) => bids.toSpliced(start, gone, ...added));

    fc.assert(
      fc.property(fc.oneof(levels, edited), fc.oneof(levels, edited), (changed, other) => {
        const sent = sentOf({ ...known, yes: { bids: changed, asks }, no: { bids: other, asks } });
        const value = parseByKnownLevels(known, sent, parse);
        if (value !== undefined) expect(value).toEqual(parse(sent));
      }),
      { numRuns: 2_000 },
    );
  });
});
