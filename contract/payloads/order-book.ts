import * as z from "zod";
import { comparePrices, readAmount, readProbability } from "./decimals.ts";
import { entityId, outcomeLabels, time } from "./primitives.ts";
import { Refusal } from "./refusal.ts";
import { forms, optional } from "./schemas.ts";

/** Most levels of one side of a book as it is sent: a tick of 0.001 allows 999. */
export const MAXIMUM_LEVELS = 1_000;

/** All orders at one price. */
export interface PriceLevel {
  readonly price: string;
  readonly size: string;
}

/** A level as senders write it. */
type SentLevel = PriceLevel | readonly [price: string, size: string];

type Side = "bids" | "asks";

/** Texts that sort before and after all canonical prices, which compare by their characters. */
const BELOW_ALL_PRICES = "";
const ABOVE_ALL_PRICES = "2";

interface Problem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** Adds what is wrong with a level to `problems`. */
function describeLevel(sent: unknown, index: number, problems: Problem[]): void {
  const isPair = Array.isArray(sent);
  const { price, size } = isPair ? { price: sent[0], size: sent[1] } : Object(sent);
  for (const [field, value] of [
    [isPair ? 0 : "price", readProbability(price)],
    [isPair ? 1 : "size", readAmount(size)],
  ] as const) {
    if (value instanceof Refusal) problems.push({ path: [index, field], message: value.message });
  }
}

/** Reads one level; undefined where something is wrong with it. */
function readLevel(sent: SentLevel | null | undefined): PriceLevel | undefined {
  if (typeof sent !== "object" || sent === null) return undefined;
  const price = readProbability("price" in sent ? sent.price : sent[0]);
  if (typeof price !== "string") return undefined;
  const size = readAmount("price" in sent ? sent.size : sent[1]);
  return typeof size === "string" ? { price, size } : undefined;
}

/** Sorts levels best first. Of several with one price the last one counts; then those of size 0 are left out. */
function toCanonical(levels: readonly PriceLevel[], side: Side): readonly PriceLevel[] {
  const sizes = new Map(levels.map(({ price, size }) => [price, size]));
  const ascending = [...sizes].toSorted(([a], [b]) => comparePrices(a, b)).map(([price, size]) => ({ price, size }));
  return (side === "asks" ? ascending : ascending.reverse()).filter(({ size }) => size !== "0");
}

/** Reads one side of a book. A loop, since a schema for each level takes twenty times as long. */
function readLevels(sent: unknown, side: Side, problems: Problem[]): readonly PriceLevel[] {
  if (sent === null) return [];
  if (!Array.isArray(sent)) {
    problems.push({ path: [], message: "must be a list of levels { price, size }" });
    return [];
  }
  if (sent.length > MAXIMUM_LEVELS) {
    const message = `has ${sent.length} levels: send the best ${MAXIMUM_LEVELS} of a side at most`;
    problems.push({ path: [], message });
    return [];
  }
  const levels: PriceLevel[] = [];
  // Most books are in order, no price twice and no size 0.
  let areCanonical = true;
  let previous = side === "asks" ? BELOW_ALL_PRICES : ABOVE_ALL_PRICES;
  for (let index = 0; index < sent.length; index += 1) {
    const level = readLevel(sent[index]);
    if (level === undefined) {
      describeLevel(sent[index], index, problems);
      return [];
    }
    const { price } = level;
    if (level.size === "0" || !(side === "asks" ? previous < price : price < previous)) areCanonical = false;
    levels.push(level);
    previous = price;
  }
  return areCanonical ? levels : toCanonical(levels, side);
}

const levelsOf = (side: Side) =>
  z
    .custom<readonly SentLevel[] | null>()
    .transform((sent, context): readonly PriceLevel[] => {
      const problems: Problem[] = [];
      const levels = readLevels(sent, side, problems);
      for (const { path, message } of problems) context.addIssue({ code: "custom", path, message });
      return levels;
    })
    .register(forms, {
      form:
        `a list of at most ${MAXIMUM_LEVELS} levels in any order, each \`{ price, size }\` or \`[price, size]\`: decimals ` +
        "as text, price from 0 to 1, size not negative",
    });

const outcomeBook = z.object({
  /** Best (highest) price first. */
  bids: levelsOf("bids"),
  /** Best (lowest) price first. */
  asks: levelsOf("asks"),
});
export type OutcomeBook = z.infer<typeof outcomeBook>;

const mirrored = z
  .custom<boolean>((value) => typeof value === "boolean", "must be true, or be left out")
  .transform((value): true | undefined => value || undefined)
  .register(forms, { form: "`true` in place of `no`" });

/**
 * `market:orderbook`: the depth of one market, a whole snapshot each time; at most 1,000 levels a side. Either both
 * outcomes, or `yes` with `mirrored: true`; `bookOf()` gives the book of an outcome in both cases.
 */
export const orderBook = z
  .object({
    marketId: entityId,
    yes: outcomeBook,
    /** Absent where `mirrored` is true, else always there. */
    no: optional(outcomeBook),
    /** The book of NO is the exact mirror of that of YES, and so is not sent: a bid at 0.4 is an ask of NO at 0.6. */
    mirrored: optional(mirrored),
    /** The market's own names of its outcomes, where they are not called yes and no. */
    labels: optional(outcomeLabels),
    time,
  })
  .superRefine(({ no, mirrored: isMirrored }, context) => {
    if ((no === undefined) === (isMirrored === true)) return;
    const message = isMirrored
      ? "must be left out where mirrored is true: send either both books, or yes and mirrored: true"
      : "is missing: send the book of NO, or mirrored: true where it is the mirror of YES";
    context.addIssue({ code: "custom", path: ["no"], message });
  });
export type OrderBook = z.infer<typeof orderBook>;
