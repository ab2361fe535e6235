/**
 * Decimal numbers as text, to the last digit: their one canonical form, and the arithmetic that order books need. Imports
 * no schema, so that a browser can load it alone.
 */
import { compareText } from "../compare-text.ts";
import { quote, Refusal } from "./refusal.ts";

/** Most digits of a decimal before its point; a raw amount of a token with 18 decimals has 20 up to 99 tokens. */
export const MAXIMUM_INTEGER_DIGITS = 20;

/** Most digits of a decimal after its point: Python's 28 significant digits of a number down to 10^-12. */
export const MAXIMUM_FRACTION_DIGITS = 40;

/** Longest spelling that is read at all, in characters. */
const MAXIMUM_SPELLING_LENGTH = 128;

/** An optional sign, digits with or without a point, an optional exponent. */
const SPELLING = /^([+-]?)(?=\.?\d)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,4}))?$/;

const ZERO = 48;
const NINE = 57;
const POINT = 46;
const MINUS = 45;

/** Returns the index after the digits of a text from `start` on. */
function skipDigits(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) break;
    at += 1;
  }
  return at;
}

/**
 * True for a decimal in its canonical form: plain digits, no `+`, no exponent, no leading zero but the one before the
 * point, no trailing zero after it, no `-0`. Compares characters, since a regular expression takes twice as long and a
 * book has thousands of them.
 */
export function isCanonicalDecimal(text: string): boolean {
  const start = text.charCodeAt(0) === MINUS ? 1 : 0;
  const point = skipDigits(text, start);
  const integerDigits = point - start;
  if (integerDigits === 0 || integerDigits > MAXIMUM_INTEGER_DIGITS) return false;
  const leadsWithZero = text.charCodeAt(start) === ZERO;
  if (leadsWithZero && integerDigits > 1) return false;
  if (point === text.length) return !(leadsWithZero && start === 1);
  if (text.charCodeAt(point) !== POINT) return false;
  const end = skipDigits(text, point + 1);
  const fractionDigits = end - point - 1;
  if (end !== text.length || fractionDigits === 0 || fractionDigits > MAXIMUM_FRACTION_DIGITS) return false;
  return text.charCodeAt(end - 1) !== ZERO;
}

/** Writes digits, the `point`-th of which is followed by the point, in canonical form. */
function writePlain(sign: string, digits: string, point: number): string {
  const prefix = sign === "-" ? "-" : "";
  if (point <= 0) return `${prefix}0.${"0".repeat(-point)}${digits}`;
  if (point >= digits.length) return prefix + digits + "0".repeat(point - digits.length);
  return `${prefix}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/**
 * Reads a decimal in any usual spelling (`.48`, `0.5600`, `+1`, `1E+1`, `1.2e-7`, `-0.00`) and returns its canonical form,
 * without loss. A number with more digits than the limits is refused rather than rounded.
 */
export function readDecimal(value: unknown): string | Refusal {
  if (typeof value !== "string") {
    if (typeof value === "number") {
      return new Refusal('send decimals as text, such as "0.42": a JSON number is a float, which loses digits');
    }
    return new Refusal('is no decimal: send it as text, such as "0.42"');
  }
  if (isCanonicalDecimal(value)) return value;
  const spelling = value.length <= MAXIMUM_SPELLING_LENGTH ? SPELLING.exec(value) : null;
  if (!spelling) {
    return new Refusal(
      `${quote(value)} is no decimal: send digits such as "0.42", without spaces, separators or units`,
    );
  }
  const [, sign = "", integer = "", fraction = "", exponent = "0"] = spelling;
  const unpadded = (integer + fraction).replace(/^0+/, "");
  const digits = unpadded.replace(/0+$/, "");
  if (digits === "") return "0";
  const point = integer.length + Number(exponent) - (integer.length + fraction.length - unpadded.length);
  if (point > MAXIMUM_INTEGER_DIGITS || digits.length - point > MAXIMUM_FRACTION_DIGITS) {
    return new Refusal(
      `${quote(value)} has more than ${MAXIMUM_INTEGER_DIGITS} digits before the point or ${MAXIMUM_FRACTION_DIGITS} ` +
        "after it: round it before you send it",
    );
  }
  return writePlain(sign, digits, point);
}

/** Reads a decimal that must not be negative. */
export function readAmount(value: unknown): string | Refusal {
  const text = readDecimal(value);
  if (typeof text !== "string" || text.charCodeAt(0) !== MINUS) return text;
  return new Refusal('must not be negative: send the size without a sign; a sale is side "sell"');
}

/** Reads the price of an outcome, a decimal from 0 to 1. */
export function readProbability(value: unknown): string | Refusal {
  const text = readDecimal(value);
  if (typeof text !== "string") return text;
  if (text === "1" || text === "0" || (text.charCodeAt(0) === ZERO && text.charCodeAt(1) === POINT)) return text;
  return new Refusal(`a price of an outcome lies between 0 and 1: send 56 cents as "0.56", not ${quote(value)}`);
}

/**
 * Compares two canonical prices of an outcome: negative where `a` is lower. As they have one digit before the point and no
 * trailing zeros, the order of their characters is that of the numbers.
 */
export const comparePrices = compareText;

/** Returns 1 minus a canonical price of an outcome, exactly: `"0.48"` gives `"0.52"`. */
export function complementOf(price: string): string {
  if (price === "0") return "1";
  if (price === "1") return "0";
  const last = price.length - 1;
  let digits = "";
  for (let at = 2; at < last; at += 1) digits += NINE - price.charCodeAt(at);
  return `0.${digits}${NINE + 1 - price.charCodeAt(last)}`;
}
