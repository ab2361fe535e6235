import { describe, expect, it } from "vitest";
import { depthPath, depthScale, sharesOf } from "../../local/web/depth-curve.ts";

const bids = [
  { price: "0.4", size: "10" },
  { price: "0.39", size: "25.5" },
];
const asks = [{ price: "0.42", size: "1200" }];

describe("the scale of a depth chart", () => {
  it("has room for both sides, with a round number of shares at the top", () => {
    expect(depthScale({ bids, asks })).toEqual({ from: 0.39, to: 0.42, middle: (0.4 + 0.42) / 2, top: 2_000 });
  });

  it("of one side has no middle", () => {
    expect(depthScale({ bids, asks: [] })).toEqual({ from: 0.39, to: 0.4, middle: undefined, top: 40 });
  });

  it.each([
    ["without levels", { bids: [], asks: [] }],
    ["with one level", { bids: [], asks }],
  ])("does not exist for a book %s", (_, book) => {
    expect(depthScale(book)).toBeUndefined();
  });
});

describe("a side of a depth chart", () => {
  it("steps up at each price, and ends out of sight", () => {
    expect(depthPath(bids, "bids")).toBe("M0.4 0H0.4V10H0.39V35.5H-1V0Z");
    expect(depthPath(asks, "asks")).toBe("M0.42 0H0.42V1200H2V0Z");
  });

  it("is empty without levels", () => {
    expect([depthPath([], "bids"), sharesOf([])]).toEqual(["", 0]);
  });
});
