import type { Payload } from "../../contract/channels.ts";
import type { StateChange } from "../../contract/state/state-change.ts";
import { createPick } from "./chance.ts";

type Book = Payload<"market:orderbook">;
type Levels = Book["yes"]["bids"];

const pick = createPick();

/** As exchanges quote it: up to five digits, and cents. */
const nextSize = (): string => `${1 + pick(99_999)}.${1 + pick(9)}${1 + pick(9)}`;

/** Prices in thousandths, the best first; without zeros at the end, as the contract writes them. */
const priceOf = (side: "bids" | "asks", level: number): string =>
  `0.${side === "bids" ? 499 - level : 501 + level}`.replace(/0+$/, "");

const levelsOf = (side: "bids" | "asks", count: number): Levels =>
  Array.from({ length: count }, (_, level) => ({ price: priceOf(side, level), size: nextSize() }));

/** The same sizes at the mirrored prices. */
const mirrorOf = (levels: Levels, side: "bids" | "asks"): Levels =>
  levels.map(({ size }, level) => ({ price: priceOf(side, level), size }));

/** A market's book of whole values of both outcomes, of which one level of YES and its mirror in NO change at a time. */
export class MovingBook {
  #value: Book;

  /** @param levels levels a side, at most 400. */
  constructor(marketId: string, levels: number) {
    const yes = { bids: levelsOf("bids", levels), asks: levelsOf("asks", levels) };
    const no = { bids: mirrorOf(yes.asks, "bids"), asks: mirrorOf(yes.bids, "asks") };
    this.#value = { marketId, yes, no, time: Date.now() };
  }

  get value(): Book {
    return this.#value;
  }

  /** Changes one level, and returns what has changed; `value` is another object afterwards. */
  move(): StateChange {
    const [side, other] = pick(2) === 0 ? (["bids", "asks"] as const) : (["asks", "bids"] as const);
    const { yes, no = yes } = this.#value;
    const level = pick(yes[side].length);
    const size = nextSize();
    const time = Date.now();
    const change = (levels: Levels): Levels => levels.with(level, { price: levels[level]?.price ?? "", size });
    const [changed, mirror] = [change(yes[side]), change(no[other])];
    this.#value = { ...this.#value, yes: { ...yes, [side]: changed }, no: { ...no, [other]: mirror }, time };
    const rows = {
      [`yes.${side}.${priceOf(side, level)}`]: size,
      [`no.${other}.${priceOf(other, level)}`]: size,
    };
    return { head: { time }, rows };
  }
}
