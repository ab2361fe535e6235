import type { Payload } from "../../contract/channels.ts";
import type { Stream } from "../../contract/stream.ts";
import { nextTime, price } from "../support/books.ts";

export type Book = Payload<"market:orderbook">;
export type Portfolio = Payload<"user:portfolio">;

const outcomes = ["yes", "no"] as const;
const sides = ["bids", "asks"] as const;

export type Outcome = (typeof outcomes)[number];
export type Side = (typeof sides)[number];

/** Sizes by the distance of their level from the middle; 0 where there is no level. */
export type Sizes = readonly number[];
export type OutcomeSizes = Readonly<Record<Side, Sizes>>;

/** What was published of one stream, kept without the code that is under test, in canonical form. */
export interface Truth {
  readonly stream: Stream;
  /** The value as the service sends it: the best `depth` levels a side, or all of it. */
  value(depth?: number): object;
}

/** The price of a level in ten-thousandths: bids below 0.5, asks above. */
const unitsOf = (side: Side, level: number): number => (side === "bids" ? 4_999 - level : 5_001 + level);

const rowOf = (outcome: Outcome, side: Side, level: number): string =>
  `${outcome}.${side}.${price(unitsOf(side, level))}`;

export class BookTruth implements Truth {
  readonly stream: Stream & { readonly channel: "market:orderbook"; readonly key: string };
  #levels = new Map<string, ReadonlyMap<number, string>>();
  #isMirrored = false;
  #time = 0;

  constructor(marketId: string) {
    this.stream = { channel: "market:orderbook", key: marketId };
  }

  /** Replaces the book. Returns it as a publisher may write it: levels in any order, sizes with zeros at the end. */
  replace(yes: OutcomeSizes, no: OutcomeSizes | "mirrored") {
    this.#time = nextTime();
    this.#isMirrored = no === "mirrored";
    this.#levels.clear();
    const books: Record<string, unknown> = {};
    for (const outcome of outcomes) {
      const sizes = outcome === "yes" ? yes : no;
      if (sizes === "mirrored") continue;
      books[outcome] = Object.fromEntries(
        sides.map((side) => {
          const levels = [...sizes[side].entries()].filter(([, size]) => size > 0);
          this.#levels.set(`${outcome}.${side}`, new Map(levels.map(([level, size]) => [level, String(size)])));
          const sent = levels.map(([level, size]) => ({ price: price(unitsOf(side, level)), size: `${size}.0` }));
          return [side, sent.toReversed()];
        }),
      );
    }
    return { marketId: this.stream.key, ...books, ...this.#head } as unknown as Book;
  }

  /** Changes some levels. Returns what a publisher sends that knows only these. */
  change(outcome: Outcome, side: Side, sizes: Readonly<Record<number, number>>) {
    this.#time = nextTime();
    // Of a mirrored book the other outcome has no rows of its own.
    const changed = this.#isMirrored ? "yes" : outcome;
    const name = `${changed}.${side}`;
    const levels = new Map(this.#levels.get(name));
    const rows: Record<string, string | null> = {};
    for (const [level, size] of Object.entries(sizes)) {
      if (size === 0) levels.delete(Number(level));
      else levels.set(Number(level), String(size));
      rows[rowOf(changed, side, Number(level))] = size === 0 ? null : String(size);
    }
    this.#levels.set(name, levels);
    return { head: this.#head, rows };
  }

  value(depth = Number.POSITIVE_INFINITY): Book {
    const side = (outcome: Outcome, of: Side) =>
      [...(this.#levels.get(`${outcome}.${of}`) ?? [])]
        .toSorted(([a], [b]) => a - b)
        .slice(0, depth)
        .map(([level, size]) => ({ price: price(unitsOf(of, level)), size }));
    const book = (outcome: Outcome) => ({ bids: side(outcome, "bids"), asks: side(outcome, "asks") });
    const no = this.#isMirrored ? {} : { no: book("no") };
    return { marketId: this.stream.key, yes: book("yes"), ...no, ...this.#head } as Book;
  }

  get #head() {
    return { ...(this.#isMirrored ? { mirrored: true } : {}), time: this.#time };
  }
}

/** Returns a book as the client SDK shows it, with both outcomes. */
export function withMirror({ marketId, yes, no, ...head }: Book): object {
  const mirror = (levels: Book["yes"]["bids"]) =>
    levels.map((level) => ({ price: price(10_000 - Math.round(Number(level.price) * 10_000)), size: level.size }));
  return { marketId, yes, no: no ?? { bids: mirror(yes.asks), asks: mirror(yes.bids) }, ...head };
}

export class PortfolioTruth implements Truth {
  readonly stream: Stream & { readonly channel: "user:portfolio"; readonly key: string };
  readonly #sizes = new Map<number, string>();
  #cash = 0;
  #time = 0;

  constructor(user: string) {
    this.stream = { channel: "user:portfolio", key: user };
  }

  /** Replaces the portfolio. Returns it as a publisher may write it, positions in any order. */
  replace(sizes: Sizes): Portfolio {
    this.#sizes.clear();
    for (const [index, size] of sizes.entries()) if (size > 0) this.#sizes.set(index, String(size));
    this.#move();
    const { positions, ...head } = this.value();
    return { ...head, positions: positions.toReversed() };
  }

  /** Changes some positions. Returns what a publisher sends that knows only these. */
  change(sizes: Readonly<Record<number, number>>) {
    this.#move();
    const rows: Record<string, object | null> = {};
    for (const [index, size] of Object.entries(sizes)) {
      if (size === 0) this.#sizes.delete(Number(index));
      else this.#sizes.set(Number(index), String(size));
      const { outcome, exchange, marketId, ...row } = this.#position(Number(index), String(size));
      rows[`${outcome}:${encodeURIComponent(exchange)}:${marketId}`] = size === 0 ? null : row;
    }
    const { positions: _, ...head } = this.value();
    return { head, rows };
  }

  value(): Portfolio {
    const positions = [...this.#sizes]
      .toSorted(([a], [b]) => a - b)
      .map(([index, size]) => this.#position(index, size));
    const totals = { currency: "USDC", value: `${this.#cash + 5}`, cash: `${this.#cash}`, profit: "-5" };
    return { ...totals, positions, time: this.#time };
  }

  #move(): void {
    this.#time = nextTime();
    this.#cash += 1;
  }

  /** In the order of the indexes, which is that of the row keys: NO comes before YES. */
  #position(index: number, size: string): Portfolio["positions"][number] {
    return {
      marketId: `m${index % 5}`,
      exchange: "poly market/é",
      outcome: index < 5 ? "no" : "yes",
      size,
      ...{ averagePrice: "0.5", currentPrice: "0.25", value: "1", profit: "-0.5" },
    };
  }
}
