import { timeOf } from "../../../contract/ids.ts";
import { type Entry, traceparentOf } from "../../../kernel/streams/entry.ts";
import { preciseNow, type TracedSpan, type Tracer } from "../../../kernel/tracing/tracer.ts";
import type { MessageGroup } from "./message-groups.ts";

/** When the invocation began and when all deliveries were planned, in ms since 1970. */
interface FanOutTimes {
  readonly invokedMs: number;
  readonly plannedMs: number;
}

function record(tracer: Tracer, entry: Entry, { invokedMs, plannedMs }: FanOutTimes, endMs: number): void {
  const traceparent = traceparentOf(entry);
  if (traceparent === undefined) return;
  const attributes = { "vezta.channel": entry.channel, "vezta.id": entry.id };
  const span = (part: TracedSpan): void => tracer.record(traceparent, { ...part, attributes });
  // An id is from Redis's clock, which may be ahead of this one.
  span({ name: "edge queue", startMs: Math.min(timeOf(entry.id), invokedMs), endMs: invokedMs });
  span({ name: "edge plan", startMs: invokedMs, endMs: plannedMs });
  span({ name: "edge post", startMs: plannedMs, endMs });
}

/** Records the way of the traced entries that an invocation has delivered. Call it once every post has ended. */
export async function traceFanOut(
  tracer: Tracer | undefined,
  groups: readonly MessageGroup[],
  times: FanOutTimes,
): Promise<void> {
  if (!tracer) return;
  const entries = groups
    .flatMap(({ plan }) => plan?.entries ?? [])
    .filter((entry) => traceparentOf(entry) !== undefined);
  if (entries.length === 0) return;
  const endMs = preciseNow();
  for (const entry of entries) record(tracer, entry, times, endMs);
  // Lambda freezes the process after the answer.
  await tracer.flush();
}
