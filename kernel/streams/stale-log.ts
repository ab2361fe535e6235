import { describeStream } from "./publish-outcome.ts";
import type { PublishListener, StaleMessage } from "./publisher.ts";
import { streamKey } from "./redis-keys.ts";

/** Message of the log line about messages that were `stale`. */
export const STALE_LOG_MESSAGE = "older state not published";

/** At most one line for a stream in this time, in ms. */
const PERIOD_MS = 60_000;

/** Most streams whose last line is remembered; the one with the oldest line is dropped first. */
const MAXIMUM_STREAMS = 1_000;

interface StreamLog {
  loggedAt: number;
  /** Stale messages since that line. */
  count: number;
}

/** Writes a warning with its details to the caller's logger. */
export type Warn = (message: string, details: Readonly<Record<string, unknown>>) => void;

/**
 * Returns the listener that logs stale messages with both versions, at most one line a minute for each stream, which says
 * how many messages it stands for; and each stream that was started anew.
 */
export function createStaleLog(warn: Warn): Required<Pick<PublishListener, "stale" | "reset">> {
  const streams = new Map<string, StreamLog>();

  const isDue = (name: string, now: number): boolean => {
    const last = streams.get(name);
    if (!last) return true;
    last.count += 1;
    return now - last.loggedAt >= PERIOD_MS;
  };

  return {
    stale({ stream, entity, version, heldVersion, heldEpoch, staleSince, staleForMs }: StaleMessage): void {
      const name = streamKey(stream);
      // Not the wall clock, which may be set back.
      const now = performance.now();
      if (!isDue(name, now)) return;
      const count = streams.get(name)?.count ?? 1;
      streams.delete(name);
      const [oldest] = streams.keys();
      if (streams.size >= MAXIMUM_STREAMS && oldest !== undefined) streams.delete(oldest);
      streams.set(name, { loggedAt: now, count: 0 });
      const versions = { version, heldVersion, heldEpoch, staleSince, staleForMs };
      warn(STALE_LOG_MESSAGE, { stream: describeStream(stream), entity, ...versions, count });
    },
    reset(stream, reason): void {
      warn("stream started anew: it was ahead of Redis's clock", { stream: describeStream(stream), reason });
    },
  };
}
