import * as z from "zod";
import { amount, entityId, outcome, outcomeLabel, outcomeLabels, probability, side, time } from "./primitives.ts";
import { optional } from "./schemas.ts";

/** `market:prices`: what a YES and a NO share of one market cost now. */
export const marketPrice = z.object({
  marketId: entityId,
  yes: probability,
  no: probability,
  /** Traded in the last 24 hours, in the market's currency. */
  volume24h: optional(amount),
  /** The market's own names of its outcomes, where they are not called yes and no. */
  labels: optional(outcomeLabels),
  time,
});
export type MarketPrice = z.infer<typeof marketPrice>;

/** `market:trades`: one execution on an exchange. `side` is the taker's. */
export const trade = z.object({
  /** The exchange's id of the trade. */
  id: entityId,
  marketId: entityId,
  exchange: entityId,
  outcome,
  /** The market's own name of the outcome, where it is not called yes or no. */
  outcomeLabel: optional(outcomeLabel),
  side,
  price: probability,
  size: amount,
  time,
});
export type Trade = z.infer<typeof trade>;
