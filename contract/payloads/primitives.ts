import * as z from "zod";
import { MAXIMUM_MARKET_LENGTH, MAXIMUM_USER_LENGTH } from "../limits.ts";
import { describeUnit } from "../time-units.ts";
import {
  MAXIMUM_FRACTION_DIGITS,
  MAXIMUM_INTEGER_DIGITS,
  readAmount,
  readDecimal,
  readProbability,
} from "./decimals.ts";
import { quote, Refusal } from "./refusal.ts";
import { canonical } from "./schemas.ts";
import { readTime } from "./times.ts";

const DIGITS = `at most ${MAXIMUM_INTEGER_DIGITS} digits before the point and ${MAXIMUM_FRACTION_DIGITS} after it`;

/**
 * A decimal number as text, for money and quantities: `"0.42"`, `"1250"`, `"-3.5"`; see decimals.ts for its spellings.
 *
 * Never a JSON number: exchanges quote decimals, and `0.1 + 0.2` is not `0.3` in a double.
 */
export const decimal = canonical<string>(`decimal as text, ${DIGITS}`, readDecimal);

/** A {@link decimal} that is not negative: a size, a cash balance. */
export const amount = canonical<string>(`decimal as text, not negative, ${DIGITS}`, readAmount);

/** The price of an outcome, a {@link decimal} from 0 to 1 (the probability that the market gives it). */
export const probability = canonical<string>(
  `decimal as text from 0 to 1, at most ${MAXIMUM_FRACTION_DIGITS} digits after the point`,
  readProbability,
);

/** Milliseconds since 1970-01-01 UTC, a whole number from 2001-09-09 to the year 2286; see times.ts for its spellings. */
export const time = canonical<number, number | string>(
  "milliseconds since 1970 as number or digits, a fraction is cut off; or ISO 8601 with a time zone",
  readTime,
);

const WHOLE_NUMBER = /^\d{1,25}$/;

function readVersion(value: unknown): number | Refusal {
  const number = typeof value === "string" && WHOLE_NUMBER.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) {
    return new Refusal("must be a whole number, as a number or as digits");
  }
  if (number < 0) return new Refusal("must not be negative");
  if (!Number.isInteger(number)) return new Refusal("must be a whole number");
  if (Number.isSafeInteger(number)) return number;
  return new Refusal(
    `must be at most 2^53-1, above which numbers are not exact: ${quote(value)} ${describeUnit(number)}`,
  );
}

/**
 * The version of a state: 0 to 2^53-1. Whether it is a time or the number of an epoch, and so which part of that range
 * is allowed, is decided where it is published.
 */
export const version = canonical<number, number | string>("whole number or digits, 0 to 2^53-1", readVersion);

/** Unicode characters without control characters and lone surrogates, so that it is safe in names, logs and JSON. */
const cleanText = /^[^\p{Cc}\p{Cs}]*$/u;

const UNCLEAN = "has control characters or a broken surrogate";

const strictId = (maximum: number) => z.string().min(1).max(maximum).regex(cleanText, UNCLEAN);

/** An identifier in a request: 1 to 128 characters, no control characters. Encoded before it reaches a Redis name. */
export const identifier = strictId(MAXIMUM_MARKET_LENGTH);

/** The `sub` of a token: 1 to 255 characters (the limit of OpenID Connect), no control characters. */
export const subject = strictId(MAXIMUM_USER_LENGTH);

const textForm = (maximum: number): string => `text of 1 to ${maximum} characters without control characters`;

const readText =
  (maximum: number) =>
  (value: unknown): string | Refusal => {
    if (typeof value !== "string") return new Refusal(`must be text of 1 to ${maximum} characters`);
    if (value.length < 1 || value.length > maximum) {
      return new Refusal(`has ${value.length} characters: 1 to ${maximum} are allowed`);
    }
    return cleanText.test(value) ? value : new Refusal(UNCLEAN);
  };

/** Reads an id: text, or an integer, which becomes text. */
const readId = (maximum: number) => {
  const read = readText(maximum);
  return (value: unknown): string | Refusal => {
    if (typeof value !== "number") return read(value);
    if (Number.isSafeInteger(value)) return String(value);
    return new Refusal(`${value} is no exact whole number: send the id as text`);
  };
};

const id = (maximum: number) =>
  canonical<string, string | number>(`${textForm(maximum)}, or an integer`, readId(maximum));

/** An identifier in an event, of 1 to 128 characters. */
export const entityId = id(MAXIMUM_MARKET_LENGTH);

/** The user whose a message is, the `sub` of the user's token. */
export const userId = id(MAXIMUM_USER_LENGTH);

/** The id of an event, the same for every attempt to publish it. */
export const eventId = id(256);

/** The name of a producer's run of sequence numbers. */
export const versionEpoch = canonical<string>(textForm(64), readText(64));

/** A name of something, on one line. */
export const label = (maximum: number) => canonical<string>(textForm(maximum), readText(maximum));

/** Text for people: 1 to `maximum` characters. Line breaks are allowed. */
export const text = (maximum: number) =>
  canonical<string>(`text of 1 to ${maximum} characters`, (value) => {
    if (typeof value !== "string") return new Refusal("must be text");
    if (value.length >= 1 && value.length <= maximum) return value;
    return new Refusal(`has ${value.length} characters: 1 to ${maximum} are allowed`);
  });

/** A word as the contract writes it, in lower case, in upper case, or with a capital. */
type Spelling<Word extends string> = Word | Uppercase<Word> | Capitalize<Word>;

interface WordOptions<Word extends string> {
  /** Other spellings of a word. */
  readonly also?: Readonly<Record<string, Word>>;
  /** Says what to do with a word that is none of them. */
  readonly hint?: string;
}

/** One of several words, in lower or upper case, with `_`, `-` or a space between its parts. */
export function word<const Word extends string>(words: readonly Word[], options: WordOptions<Word> = {}) {
  const { also = {}, hint = "" } = options;
  const spellings = new Map<string, Word>([...words.map((each) => [each, each] as const), ...Object.entries(also)]);
  const alternatives = Object.entries(also).map(([other, each]) => `, \`${other}\` for \`${each}\``);
  const form = `${words.map((each) => `\`${each}\``).join(", ")}, in lower or upper case${alternatives.join("")}`;
  return canonical<Word, Spelling<Word>>(form, (value) => {
    const known = typeof value === "string" ? spellings.get(value.toLowerCase().replaceAll(/[- ]/g, "_")) : undefined;
    return known ?? new Refusal(`${quote(value)} is not one of ${words.join(", ")}${hint}`);
  });
}

export const outcome = word(["yes", "no"], {
  hint: ": send the side of the market, and the name of the outcome as outcomeLabel",
});
export type Outcome = z.infer<typeof outcome>;

export const side = word(["buy", "sell"]);

/** The market's own name of an outcome that is not called yes or no: `"Up"`, a team. */
export const outcomeLabel = label(100);

/** The market's own names of its two outcomes. */
export const outcomeLabels = z.object({ yes: outcomeLabel, no: outcomeLabel });
