import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { channels, type Payload } from "../../contract/channels.ts";
import { parseByKnownPositions } from "../../kernel/streams/known-positions.ts";

type Portfolio = Payload<"user:portfolio">;
type Position = Portfolio["positions"][number];

const schema = channels["user:portfolio"].payload;
const parse = (sent: unknown) => schema.safeParse(sent).data as Portfolio | undefined;

const positionOf = (marketId: string, outcome: "yes" | "no", size: string): Position => ({
  ...{ marketId, exchange: "kalshi", outcome, size },
  ...{ averagePrice: "0.5", currentPrice: "0.6", value: "6", profit: "1" },
});
const positions = [positionOf("a", "no", "10"), positionOf("a", "yes", "10"), positionOf("b", "yes", "20")];
const known: Portfolio = { currency: "USD", value: "100", cash: "1", profit: "2", positions, time: 1_764_000_000_000 };

/** A portfolio as it arrives: no object of it is one of the known portfolio's. */
const sentOf = (changed: readonly object[]): Record<string, unknown> =>
  JSON.parse(JSON.stringify({ ...known, positions: changed }));

describe("a portfolio that is read by the one before it", () => {
  it.each<[string, readonly object[], number]>([
    ["the same", positions, 3],
    ["in another order", positions.toReversed(), 3],
    ["with another price", positions.with(1, { ...positions[1], currentPrice: "0.70" } as Position), 2],
    ["with a label", positions.with(1, { ...positions[1], outcomeLabel: "Up" } as Position), 2],
    ["without a position", positions.toSpliced(1, 1), 2],
    ["without positions", [], 0],
  ])("is as its schema reads it, and shares what is the same: %s", (_, changed, shared) => {
    const value = parseByKnownPositions(known, sentOf(changed), parse);

    expect(value).toEqual(parse(sentOf(changed)));
    expect(value?.positions.filter((position) => positions.includes(position))).toHaveLength(shared);
  });

  it.each<[string, readonly object[]]>([
    ["a new position", [...positions, positionOf("c", "yes", "1")]],
    ["a position twice", [...positions, positionOf("a", "yes", "11")]],
    ["a size that is no decimal", positions.with(1, positionOf("a", "yes", "many"))],
  ])("has to be read as a whole with %s", (_, changed) => {
    expect(parseByKnownPositions(known, sentOf(changed), parse)).toBeUndefined();
  });

  it("is never anything else than what its schema reads", () => {
    const position = fc
      .tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("yes", "no"), fc.constantFrom("10", "20", "10.0", "x"))
      .map(([marketId, outcome, size]) => positionOf(marketId, outcome as "yes" | "no", size));

    fc.assert(
      fc.property(fc.array(position, { maxLength: 4 }), (changed) => {
        const value = parseByKnownPositions(known, sentOf(changed), parse);
        if (value !== undefined) expect(value).toEqual(parse(sentOf(changed)));
      }),
      { numRuns: 2_000 },
    );
  });
});
