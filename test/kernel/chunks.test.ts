import { expect, it } from "vitest";
import { asError } from "../../kernel/as-error.ts";
import { chunks } from "../../kernel/chunks.ts";

it("chunks has every item once, in order, in groups of the size and a last one of the rest", () => {
  expect([...chunks([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
  expect([...chunks([1, 2], 2)]).toEqual([[1, 2]]);
  expect([...chunks([], 2)]).toEqual([]);
});

it("asError keeps an error as it is, and wraps anything else with its text", () => {
  const error = new RangeError("no");
  expect(asError(error)).toBe(error);
  expect(asError("gone")).toEqual(new Error("gone"));
  expect(asError(undefined)).toEqual(new Error("undefined"));
});
