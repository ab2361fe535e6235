import * as z from "zod";
import { inRowOrder } from "../state/position-rows.ts";
import { link } from "./links.ts";
import { amount, decimal, entityId, outcome, outcomeLabel, probability, side, text, time, word } from "./primitives.ts";
import { Refusal } from "./refusal.ts";
import { canonical, forms, list, optional } from "./schemas.ts";

const fill = z.object({
  id: entityId,
  price: probability,
  size: amount,
  /** Negative where the exchange pays: a maker's rebate. */
  fee: decimal,
  time,
});

/** `user:orders`: one order after a change of its state. The whole order each time, with the fill that changed it. */
export const order = z.object({
  id: entityId,
  marketId: entityId,
  exchange: entityId,
  outcome,
  /** The market's own name of the outcome, where it is not called yes or no. */
  outcomeLabel: optional(outcomeLabel),
  side,
  type: word(["limit", "market"]),
  /** `pending`: sent to the exchange, which has not taken it yet. */
  status: word(["pending", "open", "partially_filled", "filled", "cancelled", "rejected", "expired"], {
    also: { canceled: "cancelled" },
  }),
  /** The limit; absent on a market order. */
  price: optional(probability),
  size: amount,
  filledSize: amount,
  /** With fees, and so above 1 at times. */
  averagePrice: optional(amount),
  /** The execution that led to this state; on `partially_filled` and `filled`. */
  fill: optional(fill),
  /** Why it was cancelled, rejected or expired, for the user to read. */
  reason: optional(text(500)),
  time,
});
export type Order = z.infer<typeof order>;

const MAXIMUM_BODY_LENGTH = 2_000;

const body = z
  .string({ error: "must be text" })
  .max(MAXIMUM_BODY_LENGTH, `has more than ${MAXIMUM_BODY_LENGTH} characters`)
  .nullish()
  .transform((value) => value ?? "")
  .register(forms, {
    form: `text of at most ${MAXIMUM_BODY_LENGTH} characters; absent or null is delivered as \`""\``,
  });

/** `user:notifications`: something to tell the user. */
export const notification = z.object({
  id: entityId,
  category: word(["order", "market", "account", "system"]),
  severity: word(["info", "success", "warning", "critical"]),
  title: text(200),
  /** Empty where the title says it all. */
  body,
  /** Target of a tap. */
  link: optional(link),
  time,
});
export type Notification = z.infer<typeof notification>;

const position = z.object({
  marketId: entityId,
  exchange: entityId,
  outcome,
  /** The market's own name of the outcome, where it is not called yes or no. */
  outcomeLabel: optional(outcomeLabel),
  size: amount,
  /** With fees, and so above 1 at times. */
  averagePrice: amount,
  currentPrice: probability,
  value: amount,
  profit: decimal,
});

const currency = canonical<string>("1 to 16 printable characters, such as `USD`, `USDC.e`, `M$`", (value) =>
  typeof value === "string" && /^[^\s\p{C}]{1,16}$/u.test(value)
    ? value
    : new Refusal("must be 1 to 16 printable characters without spaces, such as USD or USDC.e"),
);

/** `user:portfolio`: total value and every open position, a whole snapshot each time. */
export const portfolio = z.object({
  currency,
  /** Cash and positions together. */
  value: decimal,
  cash: decimal,
  /** Gain or loss since the positions were opened. */
  profit: decimal,
  positions: list(position, 500, "positions").transform(inRowOrder).register(forms, {
    form: "a list of at most 500 positions in any order, one for each market, exchange and outcome (the last one counts)",
  }),
  time,
});
export type Portfolio = z.infer<typeof portfolio>;

/** `user:copy-trade`: what became of one trade copied from a leader. */
export const copyTrade = z.object({
  id: entityId,
  leaderId: entityId,
  leaderTradeId: entityId,
  marketId: entityId,
  exchange: entityId,
  outcome,
  /** The market's own name of the outcome, where it is not called yes or no. */
  outcomeLabel: optional(outcomeLabel),
  side,
  status: word(["executed", "partially_executed", "skipped", "failed"]),
  price: optional(probability),
  size: amount,
  /** The user's own order that it led to. */
  orderId: optional(entityId),
  /** Why it was skipped or failed, for the user to read. */
  reason: optional(text(500)),
  time,
});
export type CopyTrade = z.infer<typeof copyTrade>;
