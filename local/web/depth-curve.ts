import type { OutcomeBook, PriceLevel } from "../../contract/payloads/order-book.ts";

/** What a depth chart shows: the shares that are offered up to each price, from the best one outwards. */
export interface DepthScale {
  /** Lowest and highest price, from 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** Between the best prices. Undefined if a side is empty. */
  readonly middle: number | undefined;
  /** Top of the axis of shares: a round number. */
  readonly top: number;
}

const ROUND_STEPS = [1, 2, 3, 4, 6, 8, 10];

/** Returns the next round number, so that an axis does not change with every share. */
function roundUp(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  return magnitude * (ROUND_STEPS.find((step) => step * magnitude >= value) ?? 10);
}

/** Returns all shares of one side. */
export const sharesOf = (levels: readonly PriceLevel[]): number =>
  levels.reduce((sum, { size }) => sum + Number(size), 0);

/** Returns the axes that both sides of a book fit into; undefined where it is empty. */
export function depthScale({ bids, asks }: OutcomeBook): DepthScale | undefined {
  const ends = [bids.at(-1), bids[0], asks[0], asks.at(-1)].flatMap((level) => (level ? [Number(level.price)] : []));
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  const most = Math.max(sharesOf(bids), sharesOf(asks));
  if (ends.length === 0 || from === to || most === 0) return undefined;
  const [bid, ask] = [bids[0], asks[0]];
  const middle = bid && ask ? (Number(bid.price) + Number(ask.price)) / 2 : undefined;
  return { from, to, middle, top: roundUp(most) };
}

/** A price that no chart shows. */
const OUTSIDE = { bids: -1, asks: 2 };

/** Returns the outline of one side as the path of an SVG, in prices and shares: a step at each level, closed out of sight. */
export function depthPath(levels: readonly PriceLevel[], side: "bids" | "asks"): string {
  let total = 0;
  const steps = levels.map(({ price, size }) => {
    total += Number(size);
    return `H${price}V${total}`;
  });
  return steps.length === 0 ? "" : `M${levels[0]?.price} 0${steps.join("")}H${OUTSIDE[side]}V0Z`;
}
