import { isRecord } from "../../contract/is-record.ts";
import type { OrderBook, PriceLevel } from "../../contract/payloads/order-book.ts";
import { MAXIMUM_LEVELS } from "../../contract/payloads/order-book.ts";

type Outcome = "yes" | "no";
type Side = "bids" | "asks";

/** Most levels that may have gone before a known one: after more of them, all that follow are read. */
const MAXIMUM_GONE = 8;

const places = [
  ["yes", "bids"],
  ["yes", "asks"],
  ["no", "bids"],
  ["no", "asks"],
] as const satisfies readonly (readonly [Outcome, Side])[];

/** One side of a book as it was sent. */
interface Division {
  /** In the order of the sent ones; undefined for one that has to be read. The known ones themselves where all are the same. */
  readonly levels: readonly (PriceLevel | undefined)[];
  readonly unread: readonly unknown[];
}

/** A level as it was sent, valid or not. */
type Sent = Partial<PriceLevel> | null | undefined;

/** Returns the number of levels at the start that are the same, letter for letter. */
function countSame(sent: readonly Sent[], known: readonly PriceLevel[]): number {
  const end = Math.min(sent.length, known.length);
  for (let index = 0; index < end; index += 1) {
    const level = sent[index];
    const counterpart = known[index] as PriceLevel;
    if (level?.price !== counterpart.price || level.size !== counterpart.size) return index;
  }
  return end;
}

/** Returns the index of the known level with a price, from `start` on; -1 where it is none of the next ones. */
function findKnown(known: readonly PriceLevel[], start: number, price: unknown): number {
  const end = Math.min(known.length, start + MAXIMUM_GONE + 1);
  for (let at = start; at < end; at += 1) if (known[at]?.price === price) return at;
  return -1;
}

/** Divides the levels of a side into those that are known and the others. */
function divide(sent: unknown, known: readonly PriceLevel[]): Division | undefined {
  if (!Array.isArray(sent) || sent.length > MAXIMUM_LEVELS) return undefined;
  const same = countSame(sent, known);
  if (same === sent.length && same === known.length) return { levels: known, unread: [] };
  const levels: (PriceLevel | undefined)[] = known.slice(0, sent.length);
  const unread: unknown[] = [];
  let at = same;
  for (let index = same; index < sent.length; index += 1) {
    const level: Sent = sent[index];
    const price = level?.price;
    const found = known[at]?.price === price ? at : findKnown(known, at, price);
    const counterpart = known[found];
    if (counterpart !== undefined) at = found + 1;
    const isSame = counterpart !== undefined && level?.size === counterpart.size;
    levels[index] = isSame ? counterpart : undefined;
    if (!isSame) unread.push(level);
  }
  return { levels, unread };
}

const isBetter = (side: Side, a: PriceLevel, b: PriceLevel): boolean =>
  side === "asks" ? a.price < b.price : b.price < a.price;

/** Puts the levels that have been read among the known ones; undefined where the result is not in canonical order. */
function unite({ levels }: Division, read: readonly PriceLevel[], side: Side): PriceLevel[] | undefined {
  const united = levels as PriceLevel[];
  let index = -1;
  for (const level of read) {
    index = levels.indexOf(undefined, index + 1);
    united[index] = level;
    const [before, after] = [united[index - 1], united[index + 1]];
    // Known ones are in order among themselves; the next one that has been read is compared with this one in its turn.
    if ((before && !isBetter(side, before, level)) || (after && !isBetter(side, level, after))) return undefined;
  }
  return united;
}

const sideOf = (book: unknown, [outcome, side]: (typeof places)[number]): unknown => {
  const levels = isRecord(book) ? book[outcome] : undefined;
  return isRecord(levels) ? levels[side] : undefined;
};

/**
 * Reads a whole book by the one before it: `parse` gets it with only the levels that the other has not, letter for letter.
 * Of a book of hundreds of levels mostly one or two have changed, and reading the others takes most of the time of
 * publishing it. The result shares what is the same with the one before.
 *
 * @param parse reads a book; undefined where it is not valid.
 * @returns undefined where the book has to be read as a whole: it is not valid, not in canonical order, or hardly known.
 */
export function parseByKnownLevels(
  known: OrderBook,
  sent: Readonly<Record<string, unknown>>,
  parse: (sent: unknown) => OrderBook | undefined,
): OrderBook | undefined {
  const divisions = new Map<string, Division>();
  const reduced: Record<string, unknown> = { ...sent };
  for (const place of places) {
    const [outcome, side] = place;
    const before = (sideOf(known, place) as readonly PriceLevel[] | undefined) ?? [];
    const levels = sideOf(sent, place);
    // What is absent may be absent rightly: the schema knows.
    if (levels === undefined || levels === null) continue;
    const division = divide(levels, before);
    if (!division || division.unread.length * 2 > division.levels.length) return undefined;
    divisions.set(`${outcome}.${side}`, division);
    reduced[outcome] = { ...(reduced[outcome] as object), [side]: division.unread };
  }
  const parsed = parse(reduced);
  return parsed && fill(parsed, divisions);
}

/** Adds the known levels to a book that was read without them. */
function fill(parsed: OrderBook, divisions: ReadonlyMap<string, Division>): OrderBook | undefined {
  const value: Record<string, unknown> = { ...parsed };
  for (const place of places) {
    const [outcome, side] = place;
    const division = divisions.get(`${outcome}.${side}`);
    if (!division) continue;
    const read = sideOf(parsed, place) as readonly PriceLevel[];
    // The schema has left some out.
    if (read.length !== division.unread.length) return undefined;
    const levels = unite(division, read, side);
    if (!levels) return undefined;
    value[outcome] = { ...(value[outcome] as object), [side]: levels };
  }
  return value as OrderBook;
}
