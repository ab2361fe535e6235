import type { ReactNode } from "react";
import { useRealtimeClient } from "../../../client/react/index.ts";
import { type Feed, worstFeed } from "../state/liveness.ts";

interface RetryButtonProps {
  /** Name of what **Retry now** retries, for a screen reader. */
  readonly name: string;
}

/** Drops the connection and makes another one at once. */
function RetryButton({ name }: RetryButtonProps) {
  const client = useRealtimeClient();
  return (
    <button type="button" className="retry" aria-label={`Retry now: ${name}`} onClick={() => client?.reconnect()}>
      Retry<span className="retry-now"> now</span>
    </button>
  );
}

interface FreshnessLineProps {
  /** Feeds of the panel; the line shows the worst of them. */
  readonly feeds: readonly [Feed, ...Feed[]];
  /** What else there is to say while all of them are live. */
  readonly note?: ReactNode;
}

/** Says whether a panel is live and, where it is not, why and since when. Its place is there from the start. */
export function FreshnessLine({ feeds, note }: FreshnessLineProps) {
  const { name, liveness } = worstFeed(feeds);
  const { kind, text, details } = liveness;
  const isOneOfMany = feeds.some((feed) => feed.liveness.text !== text);
  return (
    <p className="freshness" data-liveness={kind} title={details}>
      <span className="freshness-text">{isOneOfMany ? `${name}: ${text}` : text}</span>
      {kind === "live" ? note : <RetryButton name={name} />}
    </p>
  );
}
