import * as z from "zod";
import { amount, identifier, outcome, probability, side, text, time } from "./primitives.ts";

const signal = z.object({
  id: identifier,
  /** The markets it concerns; empty where none is known yet. */
  marketIds: z.array(identifier).max(50),
  time,
});

/** A piece of news that may move a market. */
export const newsSignal = signal.extend({
  kind: z.literal("news"),
  headline: text(500),
  source: text(200),
  url: z.url({ protocol: /^https?$/ }).optional(),
  sentiment: z.enum(["positive", "neutral", "negative"]),
});

/** One large trade or position change by a watched account. */
export const whaleSignal = signal.extend({
  kind: z.literal("whale"),
  account: identifier,
  exchange: identifier,
  outcome,
  side,
  price: probability,
  size: amount,
  /** Money that changed hands, in the market's currency. */
  value: amount,
});

/** `monitor:signals`: news signals and whale alerts, told apart by `kind`. */
export const monitorSignal = z.discriminatedUnion("kind", [newsSignal, whaleSignal]);
export type MonitorSignal = z.infer<typeof monitorSignal>;
