import * as z from "zod";
import { MAXIMUM_MARKET_LENGTH } from "../limits.ts";
import { describeUnit, EARLIEST_TIME_MS, LATEST_TIME_MS } from "../time-units.ts";

/**
 * A decimal number as text, for money and quantities: `"0.42"`, `"1250"`, `"-3.5"`.
 *
 * Never a JSON number: exchanges quote decimals, and `0.1 + 0.2` is not `0.3` in a double. At most 20 digits before
 * the point and 18 after it (the precision of an ERC-20 token), no exponent, no leading zero, no `+`.
 */
export const decimal = z
  .string({ error: 'a decimal is a string such as "0.42", never a JSON number' })
  .regex(/^-?(0|[1-9]\d{0,19})(\.\d{1,18})?$/, 'not a decimal such as "0.42"');

/** A {@link decimal} that is not negative: a size, a fee, a cash balance. */
export const amount = decimal.refine((text) => !text.startsWith("-"), "must not be negative");

/** The price of an outcome, a {@link decimal} from 0 to 1 (the probability that the market gives it). */
export const probability = decimal.regex(/^(0(\.\d+)?|1(\.0+)?)$/, "a price of an outcome lies between 0 and 1");

/** Builds the error of a number that is not in a range of whole numbers; undefined, and so zod's own, for what is no number. */
const describeNumber =
  (describe: (value: number) => string) =>
  ({ input }: { readonly input?: unknown }): string | undefined => {
    if (typeof input !== "number" || !Number.isFinite(input)) return undefined;
    if (input < 0) return "must not be negative";
    return Number.isInteger(input) ? describe(input) : "must be a whole number";
  };

const timeError = describeNumber((value) => `must be milliseconds since 1970: ${value} ${describeUnit(value)}`);

/**
 * Milliseconds since 1970-01-01 UTC, a whole number from 2001-09-09 to the year 2286. Seconds, microseconds and
 * nanoseconds lie outside and are refused by name.
 */
export const time = z
  .int({ error: timeError })
  .min(EARLIEST_TIME_MS, { error: timeError })
  .max(LATEST_TIME_MS, { error: timeError });

const versionError = describeNumber(
  (value) => `must be at most 2^53-1, above which numbers are not exact: ${value} ${describeUnit(value)}`,
);

/**
 * The version of a state: 0 to 2^53-1. Whether it is a time or the number of an epoch, and so which part of that range
 * is allowed, is decided where it is published.
 */
export const version = z.int({ error: versionError }).min(0, { error: versionError });

/** Unicode characters without control characters and lone surrogates, so that it is safe in names, logs and JSON. */
const cleanText = /^[^\p{Cc}\p{Cs}]*$/u;

/** An identifier from outside: 1 to 128 characters, no control characters. Encoded before it reaches a Redis name. */
export const identifier = z
  .string()
  .min(1)
  .max(MAXIMUM_MARKET_LENGTH)
  .regex(cleanText, "has control characters or a broken surrogate");

/** The name of a producer's run of sequence numbers: 1 to 64 characters, no control characters. */
export const versionEpoch = z.string().min(1).max(64).regex(cleanText, "has control characters or a broken surrogate");

/** The id of an event, the same for every attempt to publish it: 1 to 256 characters, no control characters. */
export const eventId = z.string().min(1).max(256).regex(cleanText, "has control characters or a broken surrogate");

/** Text for people: 1 to `maximum` characters. Line breaks are allowed. */
export const text = (maximum: number) => z.string().min(1).max(maximum);

export const outcome = z.enum(["yes", "no"]);
export const side = z.enum(["buy", "sell"]);
