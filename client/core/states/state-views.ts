import type { Depth } from "../../../contract/limits.ts";
import type { DataMessage } from "../../../contract/messages.ts";
import type { StateFormat } from "../../../contract/state/state-format.ts";
import type { StreamKey } from "../topics/topic.ts";
import { withBothKeys, withBothOutcomes } from "./both-outcomes.ts";

/** A message as the application gets it. */
type ShownMessage = DataMessage & { readonly changed?: readonly string[] };

interface StateViewsOptions {
  readonly format: StateFormat<object>;
  /** Levels a side. Undefined for all of them. */
  readonly depth: Depth | undefined;
}

/** Keeps what one receiver was shown of each stream of a state channel. */
export class StateViews {
  readonly #options: StateViewsOptions;
  readonly #shown = new Map<StreamKey, object>();

  constructor(options: StateViewsOptions) {
    this.#options = options;
  }

  /** Returns the message that shows a value, which keeps what is unchanged; undefined where nothing visible changed. */
  show(message: DataMessage): ShownMessage | undefined {
    const { format, depth } = this.#options;
    const { sum: _, depth: __, ...others } = message;
    const before = this.#shown.get(message.marketId);
    let value: object = message.data;
    if (depth !== undefined) value = format.limit?.(value, depth) ?? value;
    const rows = before && format.difference(before, value);
    if (depth !== undefined && before && rows) {
      if (Object.keys(rows).length === 0 && this.#headOf(before) === this.#headOf(value)) return undefined;
      value = format.apply(before, { head: format.head(value), rows });
    }
    this.#shown.set(message.marketId, value);
    const data = withBothOutcomes(value) as DataMessage["data"];
    if (!rows) return { ...others, data };
    const changed = Object.keys(rows);
    return { ...others, data, changed: data === value ? changed : withBothKeys(changed) };
  }

  /** Forgets everything, because the streams now belong to another user. */
  clear(): void {
    this.#shown.clear();
  }

  /** Returns what shows of a head: the time alone is no reason to show a value again. */
  #headOf(value: object): string {
    return JSON.stringify({ ...this.#options.format.head(value), time: 0 });
  }
}
