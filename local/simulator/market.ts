import { Book } from "./book.ts";
import { money, price } from "./decimals.ts";
import type { Random } from "./random.ts";

/** Lowest and highest price in thousandths: a market that is still open never reaches 0 or 1. */
const LOWEST = 20;
const HIGHEST = 980;

/** Fewest and most price levels on each side of a book. */
const SHALLOWEST = 50;
const DEEPEST = 200;

export const EXCHANGES = ["polymarket", "kalshi"] as const;

/** Every simulated market with the question it asks. */
export const MARKETS = [
  { id: "fed-cut-march", title: "Fed cuts rates in March" },
  { id: "fed-cut-june", title: "Fed cuts rates in June" },
  { id: "cpi-above-3", title: "US inflation above 3% this year" },
  { id: "recession-2027", title: "US recession in 2027" },
  { id: "btc-above-150k", title: "Bitcoin above $150k" },
  { id: "eth-above-8k", title: "Ether above $8k" },
  { id: "sol-etf-approved", title: "Solana ETF approved" },
  { id: "gold-above-4000", title: "Gold above $4,000" },
  { id: "oil-above-90", title: "Oil above $90" },
  { id: "senate-flips", title: "Senate changes hands" },
  { id: "house-flips", title: "House changes hands" },
  { id: "uk-election-called", title: "UK election called early" },
  { id: "eu-ai-act-delayed", title: "EU AI Act delayed" },
  { id: "champions-league-madrid", title: "Madrid wins Champions League" },
  { id: "world-cup-brazil", title: "Brazil wins the World Cup" },
  { id: "super-bowl-chiefs", title: "Chiefs win the Super Bowl" },
  { id: "mars-landing-2030", title: "Humans on Mars by 2030" },
  { id: "starship-orbit-refuel", title: "Starship refuels in orbit" },
  { id: "oscar-best-picture-drama", title: "Best Picture is a drama" },
  { id: "hottest-year-record", title: "Hottest year on record" },
] as const;

/** One market: a price that wanders, the book around it, and what was traded. Prices in thousandths. */
export class Market {
  readonly id: string;
  readonly #random: Random;
  readonly #book: Book;
  /** True if its books are sent as some exchanges do it: YES alone, which NO mirrors. */
  readonly #isMirrored: boolean;
  #yes: number;
  #volume: number;
  #trades = 0;

  constructor(id: string, random: Random, isMirrored: boolean) {
    this.id = id;
    this.#random = random;
    this.#isMirrored = isMirrored;
    this.#yes = random.between(100, 900);
    this.#volume = random.between(1_000_000, 90_000_000);
    this.#book = new Book(random.between(SHALLOWEST, DEEPEST), random);
  }

  /** Current YES price. */
  get yes(): number {
    return this.#yes;
  }

  /** Returns the current price of an outcome. */
  priceOf(outcome: "yes" | "no"): number {
    return outcome === "yes" ? this.#yes : 1_000 - this.#yes;
  }

  /** Moves a little, back towards the middle where it strays. */
  #move(): void {
    const pull = this.#yes < 100 ? 1 : this.#yes > 900 ? -1 : 0;
    this.#yes = Math.min(HIGHEST, Math.max(LOWEST, this.#yes + this.#random.between(-4, 4) + pull));
  }

  price(time: number) {
    this.#move();
    const spread = this.#random.between(0, 2);
    return {
      marketId: this.id,
      yes: price(this.#yes),
      no: price(1_000 - this.#yes + spread),
      volume24h: money(this.#volume),
      time,
    };
  }

  orderBook(time: number) {
    this.#book.update(this.#yes);
    const no = this.#isMirrored ? { mirrored: true } : { no: this.#book.no() };
    return { marketId: this.id, yes: this.#book.yes(), ...no, time };
  }

  trade(time: number) {
    this.#move();
    this.#trades += 1;
    const size = this.#random.between(1, 500);
    this.#volume += Math.round((size * this.#yes) / 10);
    const outcome = this.#random.pick(["yes", "no"] as const);
    return {
      id: `${this.id}-${time}-${this.#trades}`,
      marketId: this.id,
      exchange: this.#random.pick(EXCHANGES),
      outcome,
      side: this.#random.pick(["buy", "sell"] as const),
      price: price(this.priceOf(outcome)),
      size: String(size),
      time,
    };
  }
}
