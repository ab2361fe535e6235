import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  comparePrices,
  complementOf,
  isCanonicalDecimal,
  MAXIMUM_FRACTION_DIGITS,
  MAXIMUM_INTEGER_DIGITS,
  readDecimal,
  readProbability,
} from "../../contract/payloads/decimals.ts";
import { Refusal } from "../../contract/payloads/refusal.ts";

const SCALE = 60;

/** The exact value of a decimal in any spelling, in units of 10^-60. */
function exact(spelling: string): bigint {
  const [, sign, integer = "", fraction = "", exponent = "0"] =
    /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(spelling) ?? [];
  const zeros = SCALE - fraction.length + Number(exponent);
  const value = BigInt(integer + fraction) * 10n ** BigInt(zeros);
  return sign === "-" ? -value : value;
}

const digits = (maximum: number) => fc.stringMatching(new RegExp(`^\\d{0,${maximum}}$`));

const spelling = fc
  .record({
    sign: fc.constantFrom("", "+", "-"),
    integer: digits(12),
    point: fc.boolean(),
    fraction: digits(12),
    exponent: fc.option(fc.integer({ min: -25, max: 7 }), { nil: undefined }),
    e: fc.constantFrom("e", "E", "e+", "E+"),
  })
  .map(({ sign, integer, point, fraction, exponent, e }) => {
    const number = `${sign}${integer}${point || fraction !== "" ? "." : ""}${fraction}`;
    if (exponent === undefined) return number;
    return `${number}${exponent < 0 ? e[0] : e}${exponent}`;
  })
  .filter((text) => /\d/.test(text.split(/e/i)[0] ?? ""));

const price = fc
  .integer({ min: 0, max: 10 ** 9 })
  .map((number) => readProbability(`${number}e-9`))
  .map(String);

describe("readDecimal", () => {
  it("keeps the exact value, in one text for each number", () => {
    fc.assert(
      fc.property(spelling, spelling, (a, b) => {
        const [one, other] = [readDecimal(a), readDecimal(b)];
        if (typeof one !== "string" || typeof other !== "string") throw new Error(`refused ${a} or ${b}`);
        expect(isCanonicalDecimal(one)).toBe(true);
        expect(exact(one)).toBe(exact(a));
        expect(readDecimal(one)).toBe(one);
        expect(one === other).toBe(exact(a) === exact(b));
      }),
      { numRuns: 3_000 },
    );
  });

  it("takes for canonical exactly what it returns", () => {
    const almost = fc.stringMatching(/^-?0?\d{0,22}\.?\d{0,42}$/);
    fc.assert(
      fc.property(fc.oneof(spelling, almost, fc.string()), (text) => {
        expect(isCanonicalDecimal(text)).toBe(readDecimal(text) === text);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ["9".repeat(MAXIMUM_INTEGER_DIGITS), true],
    ["9".repeat(MAXIMUM_INTEGER_DIGITS + 1), false],
    [`0.${"9".repeat(MAXIMUM_FRACTION_DIGITS)}`, true],
    [`0.${"9".repeat(MAXIMUM_FRACTION_DIGITS + 1)}`, false],
    [`0.5${"0".repeat(100)}`, true],
    [`0.5${"0".repeat(200)}`, false],
    [`1e${MAXIMUM_INTEGER_DIGITS - 1}`, true],
    [`1e${MAXIMUM_INTEGER_DIGITS}`, false],
    [`1e-${MAXIMUM_FRACTION_DIGITS}`, true],
    [`1e-${MAXIMUM_FRACTION_DIGITS + 1}`, false],
    ["0e9999", true],
    ["1e99999999999", false],
  ])("its limits: %s is taken: %s", (text, isTaken) => {
    expect(readDecimal(text) instanceof Refusal).toBe(!isTaken);
  });

  it.each([
    "",
    "-",
    ".",
    "e5",
    "-.",
    "1.2.3",
    "0x10",
    "1_000",
    " 1",
    "1 ",
    "½",
    "١",
    "Infinity",
    "1e",
    null,
    {},
    [],
    1n,
  ])("%s is refused", (value) => {
    expect(readDecimal(value)).toBeInstanceOf(Refusal);
  });
});

describe("prices of an outcome", () => {
  it("compare as numbers do", () => {
    fc.assert(
      fc.property(price, price, (a, b) => {
        expect(Math.sign(comparePrices(a, b))).toBe(exact(a) < exact(b) ? -1 : Number(exact(a) > exact(b)));
      }),
    );
  });

  it("and their complement add up to 1 exactly, in canonical form", () => {
    const one = exact("1");
    fc.assert(
      fc.property(price, (each) => {
        const other = complementOf(each);
        expect(exact(each) + exact(other)).toBe(one);
        expect(readProbability(other)).toBe(other);
        expect(complementOf(other)).toBe(each);
      }),
    );
    expect(complementOf("0.000000000000000000000001")).toBe("0.999999999999999999999999");
  });

  it.each(["1.0000000000000000000000000000000000000001", "-0.1", "2", "1e1", "-1e-40"])("%s is refused", (text) => {
    expect(readProbability(text)).toMatchObject({ message: expect.stringContaining("between 0 and 1") });
  });
});
