import { money, price } from "./decimals.ts";
import type { Random } from "./random.ts";

/** Lowest and highest price in thousandths: a market that is still open never reaches 0 or 1. */
const LOWEST = 20;
const HIGHEST = 980;

const LEVELS = 8;

export const EXCHANGES = ["polymarket", "kalshi"] as const;

export const MARKET_IDS = [
  "fed-cut-march",
  "fed-cut-june",
  "cpi-above-3",
  "recession-2027",
  "btc-above-150k",
  "eth-above-8k",
  "sol-etf-approved",
  "gold-above-4000",
  "oil-above-90",
  "senate-flips",
  "house-flips",
  "uk-election-called",
  "eu-ai-act-delayed",
  "champions-league-madrid",
  "world-cup-brazil",
  "super-bowl-chiefs",
  "mars-landing-2030",
  "starship-orbit-refuel",
  "oscar-best-picture-drama",
  "hottest-year-record",
] as const;

/** One market: a price that wanders, the book around it, and what was traded. Prices in thousandths. */
export class Market {
  readonly id: string;
  readonly #random: Random;
  #yes: number;
  #volume: number;
  #trades = 0;

  constructor(id: string, random: Random) {
    this.id = id;
    this.#random = random;
    this.#yes = random.between(100, 900);
    this.#volume = random.between(1_000_000, 90_000_000);
  }

  /** What a YES share costs now. */
  get yes(): number {
    return this.#yes;
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
    return { marketId: this.id, yes: this.#side(this.#yes), no: this.#side(1_000 - this.#yes), time };
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
      price: price(outcome === "yes" ? this.#yes : 1_000 - this.#yes),
      size: String(size),
      time,
    };
  }

  /** Levels that get deeper away from the middle. */
  #side(middle: number) {
    const levels = (direction: 1 | -1) =>
      Array.from({ length: LEVELS }, (_, index) => middle + direction * (1 + index * 2))
        .filter((value) => value > 0 && value < 1_000)
        .map((value, index) => ({ price: price(value), size: String(this.#random.between(50, 400) * (index + 1)) }));
    return { bids: levels(-1), asks: levels(1) };
  }
}
