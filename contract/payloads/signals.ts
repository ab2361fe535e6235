import * as z from "zod";
import { webAddress } from "./links.ts";
import { amount, entityId, outcome, outcomeLabel, probability, side, text, time, word } from "./primitives.ts";
import { list, optional } from "./schemas.ts";

const signal = z.object({
  id: entityId,
  /** The markets it concerns; empty where none is known yet. */
  marketIds: list(entityId, 50, "markets"),
  time,
});

/** A piece of news that may move a market. */
export const newsSignal = signal.extend({
  kind: z.literal("news"),
  headline: text(500),
  source: text(200),
  url: optional(webAddress),
  sentiment: word(["positive", "neutral", "negative"]),
});

/** One large trade or position change by a watched account. */
export const whaleSignal = signal.extend({
  kind: z.literal("whale"),
  account: entityId,
  exchange: entityId,
  outcome,
  /** The market's own name of the outcome, where it is not called yes or no. */
  outcomeLabel: optional(outcomeLabel),
  side,
  price: probability,
  size: amount,
  /** Money that changed hands, in the market's currency. */
  value: amount,
});

/** `monitor:signals`: news signals and whale alerts, told apart by `kind`. */
export const monitorSignal = z.discriminatedUnion("kind", [newsSignal, whaleSignal]);
export type MonitorSignal = z.infer<typeof monitorSignal>;
