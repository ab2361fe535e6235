import { compareIds } from "../../../contract/ids.ts";
import type { Depth } from "../../../contract/limits.ts";
import type { DataEvent, DataMessage } from "../../../contract/messages.ts";
import type { StateFormat } from "../../../contract/state/state-format.ts";
import { applyUnverified, sumOf, type VerifiedState } from "../../../contract/state/verified-state.ts";
import type { StreamKey } from "../topics/topic.ts";

/** The whole value of a stream at one id, proven by its sum. */
export interface ProvenMessage extends DataMessage {
  readonly sum: number;
}

/**
 * The reasons why a message gives no value:
 * - `old`: it is not newer than the value that is held.
 * - `other-view`: it belongs to a view that is not asked for any more.
 * - `unfounded`: it has changes, and the value that they apply to is not held.
 * - `wrong`: it is of the wrong form, or what it leads to does not have its sum.
 */
export type Rejection = "old" | "other-view" | "unfounded" | "wrong";

export interface StreamState {
  readonly key: StreamKey;
  /** The newest value of the stream that was proven. */
  readonly held: ProvenMessage | undefined;
  /** True if only a whole value counts, because the one that is held may not be the publisher's. */
  readonly isDistrusted: boolean;
  /** The levels a side that are asked for. */
  readonly depth: Depth | undefined;
}

/** Returns why a message cannot give a value, as far as its ids and its view show. */
function rejectionOf(event: DataEvent, { held, isDistrusted, depth }: StreamState): Rejection | undefined {
  const isWhole = "data" in event;
  if (held && held.depth !== event.depth) {
    if (event.depth !== depth) return "other-view";
    return isWhole ? undefined : "unfounded";
  }
  const age = held ? compareIds(event.id, held.id) : 1;
  if (age < 0 || (age === 0 && !(isWhole && isDistrusted))) return "old";
  return isWhole || (held && !isDistrusted) ? undefined : "unfounded";
}

/** Applies a message to the value that is held: a whole value by what differs, so that what is equal stays the same. */
function apply(format: StateFormat<object>, event: DataEvent, { key, held }: StreamState) {
  const state: VerifiedState = held ? { value: held.data, sum: held.sum } : { value: format.empty(key), sum: 0 };
  if ("data" in event) {
    const { data } = event;
    const change = { head: format.head(data), rows: format.difference(state.value, data) };
    if (event.sum !== undefined) return applyUnverified(format, state, change);
    // A service that knows nothing of changes neither proves its values nor writes all of them in canonical form.
    const value = format.apply(state.value, change);
    return { value, sum: sumOf(format, value) };
  }
  const { head, rows } = event.changes;
  // Composed changes may name rows that are again, or already, what they were.
  const differing = Object.entries(rows).filter(
    ([key, row]) => JSON.stringify(format.row(state.value, key) ?? null) !== JSON.stringify(row),
  );
  return applyUnverified(format, state, { head, rows: Object.fromEntries(differing) });
}

/** Returns the whole value that a message leads to, if its sum proves it; otherwise why there is none. */
export function proveMessage(
  format: StateFormat<object>,
  event: DataEvent,
  stream: StreamState,
): ProvenMessage | Rejection {
  const rejection = rejectionOf(event, stream);
  if (rejection) return rejection;
  try {
    const state = apply(format, event, stream);
    if (!state || state.sum !== (event.sum ?? state.sum)) return "wrong";
    const { changes: _, ...others } = event as Extract<DataEvent, { changes: unknown }>;
    return { ...others, data: state.value as DataMessage["data"], sum: state.sum };
  } catch {
    // Whatever is missing inside a value or a row makes its format throw.
    return "wrong";
  }
}
