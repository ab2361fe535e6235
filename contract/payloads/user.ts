import * as z from "zod";
import { amount, decimal, identifier, outcome, probability, side, text, time } from "./primitives.ts";

const fill = z.object({ id: identifier, price: probability, size: amount, fee: amount, time });

/** `user:orders`: one order after a change of its state. The whole order each time, with the fill that changed it. */
export const order = z.object({
  id: identifier,
  marketId: identifier,
  exchange: identifier,
  outcome,
  side,
  type: z.enum(["limit", "market"]),
  status: z.enum(["open", "partially_filled", "filled", "cancelled", "rejected", "expired"]),
  /** The limit; absent on a market order. */
  price: probability.optional(),
  size: amount,
  filledSize: amount,
  averagePrice: probability.optional(),
  /** The execution that led to this state; on `partially_filled` and `filled`. */
  fill: fill.optional(),
  /** Why it was cancelled, rejected or expired, for the user to read. */
  reason: text(500).optional(),
  time,
});
export type Order = z.infer<typeof order>;

/** `user:notifications`: something to tell the user. */
export const notification = z.object({
  id: identifier,
  category: z.enum(["order", "market", "account", "system"]),
  severity: z.enum(["info", "success", "warning", "critical"]),
  title: text(200),
  body: text(2_000),
  /** Target of a tap: a path of the app or an https address. */
  link: z
    .string()
    .max(2_000)
    .regex(/^(\/|https:\/\/)/, "a link starts with / or https://")
    .optional(),
  time,
});
export type Notification = z.infer<typeof notification>;

const position = z.object({
  marketId: identifier,
  exchange: identifier,
  outcome,
  size: amount,
  averagePrice: probability,
  currentPrice: probability,
  value: amount,
  profit: decimal,
});

/** `user:portfolio`: total value and every open position, a whole snapshot each time. */
export const portfolio = z.object({
  currency: z.string().regex(/^[A-Z0-9]{3,10}$/, "a currency code such as USD or USDC"),
  /** Cash and positions together. */
  value: decimal,
  cash: decimal,
  /** Gain or loss since the positions were opened. */
  profit: decimal,
  positions: z.array(position).max(500),
  time,
});
export type Portfolio = z.infer<typeof portfolio>;

/** `user:copy-trade`: what became of one trade copied from a leader. */
export const copyTrade = z.object({
  id: identifier,
  leaderId: identifier,
  leaderTradeId: identifier,
  marketId: identifier,
  exchange: identifier,
  outcome,
  side,
  status: z.enum(["executed", "partially_executed", "skipped", "failed"]),
  price: probability.optional(),
  size: amount,
  /** The user's own order that it led to. */
  orderId: identifier.optional(),
  /** Why it was skipped or failed, for the user to read. */
  reason: text(500).optional(),
  time,
});
export type CopyTrade = z.infer<typeof copyTrade>;
