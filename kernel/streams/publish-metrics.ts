import type { Suspicion } from "../../contract/suspicions.ts";

/** Namespace and service of a publisher's CloudWatch metrics; their dimensions are the service and FunctionName. */
export const PUBLISH_METRICS = { namespace: "VeztaRealtime", service: "publish" } as const;

/** Time from an event's entry into the bus or the stream until it was published, in ms. */
export const EVENT_TO_PUBLISH = "EventToPublishMs";

/** Counts streams (or orders, copy trades) that got only older states for 30 s or longer. An alarm watches it. */
export const FROZEN_STREAMS = "FrozenStreams";

/** Count published messages that are possible, but rarely meant. */
export const SUSPICION_METRICS: Readonly<Record<Suspicion, string>> = {
  crossed_book: "CrossedBooks",
  dropped_levels: "DroppedLevels",
  prices_not_one: "PricesNotOne",
};
