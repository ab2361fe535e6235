import * as z from "zod";
import { amount, identifier, outcome, probability, side, time } from "./primitives.ts";

/** `market:prices`: what a YES and a NO share of one market cost now. */
export const marketPrice = z.object({
  marketId: identifier,
  yes: probability,
  no: probability,
  /** Traded in the last 24 hours, in the market's currency. */
  volume24h: amount.optional(),
  time,
});
export type MarketPrice = z.infer<typeof marketPrice>;

/** All orders at one price. */
const priceLevel = z.object({ price: probability, size: amount });

const outcomeBook = z.object({
  /** Best (highest) price first. */
  bids: z.array(priceLevel).max(200),
  /** Best (lowest) price first. */
  asks: z.array(priceLevel).max(200),
});

/** `market:orderbook`: the depth of one market, a whole snapshot each time; at most 200 levels a side. */
export const orderBook = z.object({ marketId: identifier, yes: outcomeBook, no: outcomeBook, time });
export type OrderBook = z.infer<typeof orderBook>;

/** `market:trades`: one execution on an exchange. `side` is the taker's. */
export const trade = z.object({
  id: identifier,
  marketId: identifier,
  exchange: identifier,
  outcome,
  side,
  price: probability,
  size: amount,
  time,
});
export type Trade = z.infer<typeof trade>;
