import { price } from "./decimals.ts";
import type { Random } from "./random.ts";

/** Prices in thousandths, without 0 and 1: the tick of the exchanges that have the finest one. */
const LOWEST = 1;
const HIGHEST = 999;

/** Most levels that one update changes beside those that the price has passed. */
const MAXIMUM_CHANGES = 4;

/** Share of the changes at the best level; as much of the others at the second one, and so on. */
const AT_BEST = 0.3;

interface Level {
  readonly price: string;
  readonly size: string;
}

/**
 * The YES side of a market's book: levels around the price that orders come to and go from, most of them near the best price.
 * The NO side mirrors it: an order to buy NO at 0.4 is one to sell YES at 0.6.
 */
export class Book {
  readonly #random: Random;
  /** Levels on each side. */
  readonly #depth: number;
  readonly #bids = new Map<number, number>();
  readonly #asks = new Map<number, number>();

  constructor(depth: number, random: Random) {
    this.#depth = depth;
    this.#random = random;
  }

  /** Moves to a price: what it has passed is gone, new levels are there, and a few sizes change. */
  update(middle: number): void {
    for (const tick of this.#bids.keys()) if (tick >= middle || tick < middle - this.#depth) this.#bids.delete(tick);
    for (const tick of this.#asks.keys()) if (tick <= middle || tick > middle + this.#depth) this.#asks.delete(tick);
    for (let distance = 1; distance <= this.#depth; distance += 1) {
      this.#fill(this.#bids, middle - distance, distance);
      this.#fill(this.#asks, middle + distance, distance);
    }
    for (let change = this.#random.between(1, MAXIMUM_CHANGES); change > 0; change -= 1) this.#change(middle);
  }

  yes() {
    return { bids: toLevels(this.#bids, -1), asks: toLevels(this.#asks, 1) };
  }

  no() {
    return { bids: mirrored(this.#asks, -1), asks: mirrored(this.#bids, 1) };
  }

  #fill(side: Map<number, number>, tick: number, distance: number): void {
    if (tick >= LOWEST && tick <= HIGHEST && !side.has(tick)) side.set(tick, this.#size(distance));
  }

  #change(middle: number): void {
    let distance = 1;
    while (distance < this.#depth && !this.#random.chance(AT_BEST)) distance += 1;
    const [side, tick] = this.#random.chance(0.5) ? [this.#bids, middle - distance] : [this.#asks, middle + distance];
    if (side.has(tick)) side.set(tick, this.#size(distance));
  }

  /** More is offered the further away from the price it is. */
  #size(distance: number): number {
    return this.#random.between(50, 400) * Math.ceil(distance / 4);
  }
}

const mirrored = (side: ReadonlyMap<number, number>, direction: 1 | -1): Level[] =>
  toLevels(new Map([...side].map(([tick, size]) => [1_000 - tick, size])), direction);

/** The best price first: the lowest one where `direction` is 1. */
const toLevels = (side: ReadonlyMap<number, number>, direction: 1 | -1): Level[] =>
  [...side]
    .toSorted(([a], [b]) => direction * (a - b))
    .map(([tick, size]) => ({ price: price(tick), size: String(size) }));
