import type { SubscriptionStatus } from "../index.ts";
import type { Freshness } from "./channel-state.ts";

const worstFirst: readonly SubscriptionStatus[] = ["error", "stale", "resuming", "subscribing", "live"];

type Part = Pick<Freshness, "status" | "since" | "error">;

/** Combines several subscriptions: the result is live while all are, and not live since the first of them stopped. */
export function worstOf(parts: readonly [Part, ...Part[]]): Part {
  const statuses = parts.map(({ status }) => status);
  const status = worstFirst.find((each) => statuses.includes(each)) ?? "subscribing";
  const isLive = status === "live";
  const times = parts.flatMap((part) =>
    part.since !== undefined && (part.status === "live") === isLive ? part.since : [],
  );
  return {
    status,
    since: times.length === 0 ? undefined : isLive ? Math.max(...times) : Math.min(...times),
    error: parts.find(({ error }) => error !== undefined)?.error,
  };
}
