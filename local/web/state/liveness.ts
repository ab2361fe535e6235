import type { Freshness } from "../../../client/react/index.ts";
import { label, timeOfDay } from "../format.ts";
import { useOfflineSince } from "./use-offline.ts";

/** `loading`: nothing is complete yet. `not-live`: what is shown, if anything, may be old. */
export interface Liveness {
  readonly kind: "live" | "loading" | "not-live";
  /** Says in a few words how it is and, where it is not live, why and since when. */
  readonly text: string;
  /** Says more, where the service gave a reason. */
  readonly details?: string;
  /** The higher, the more there is to worry about; 0 is live. */
  readonly severity: number;
}

/** A feed shown on the page: its name and its status. */
export interface Feed {
  /** In the plural, as at the beginning of a sentence. */
  readonly name: string;
  readonly liveness: Liveness;
}

type Observed = Pick<Freshness, "status" | "since"> & Partial<Pick<Freshness, "error">>;

const REASONS = {
  resuming: { words: "Reconnecting", severity: 2 },
  stale: { words: "No answer", severity: 3 },
  error: { words: "Refused", severity: 5 },
} as const;

const OFFLINE = 4;

const notLive = (words: string, since: number | undefined, severity: number): Liveness => ({
  kind: "not-live",
  text: since === undefined ? words : `${words} since ${timeOfDay(since)}`,
  severity,
});

/** Judges a subscription. Without a network nothing is live, whatever its status still says. */
export function livenessOf({ status, since, error }: Observed, offlineSince: number | undefined): Liveness {
  if (status === "error") {
    const words = error ? label(error.code) : REASONS.error.words;
    return { ...notLive(words, since, REASONS.error.severity), ...(error ? { details: error.message } : {}) };
  }
  if (offlineSince !== undefined) {
    const isLonger = status !== "live" && since !== undefined && since < offlineSince;
    return notLive("Offline", isLonger ? since : offlineSince, OFFLINE);
  }
  if (status === "live") return { kind: "live", text: "Live", severity: 0 };
  if (status === "subscribing") return { kind: "loading", text: "Loading", severity: 1 };
  return notLive(REASONS[status].words, since, REASONS[status].severity);
}

/** Returns the feed to worry about most. */
export const worstFeed = (feeds: readonly [Feed, ...Feed[]]): Feed =>
  feeds.reduce((worst, feed) => (feed.liveness.severity > worst.liveness.severity ? feed : worst));

/** Judges a subscription that a hook of the client gave. */
export function useFeed(name: string, state: Observed): Feed {
  return { name, liveness: livenessOf(state, useOfflineSince()) };
}
