import type { DataEvent } from "../contract/messages.ts";
import { stateFormat } from "../contract/state/state-formats.ts";
import { applyVerified, sumOf, type VerifiedState } from "../contract/state/verified-state.ts";

/** What a message did to the value: it is proven, it did not follow, or its sum was another one. */
export type KeptStep = "proven" | "hole" | "mismatch";

/** One stream's value at a client that asks for changes, put together and proven by the rules of docs/protocol.md. */
export class KeptValue {
  #state: VerifiedState | undefined;
  #lastId: string | undefined;

  take(message: DataEvent): KeptStep {
    const format = stateFormat(message.channel);
    if (!format) return "proven";
    const isWhole = "data" in message;
    if (!isWhole && (message.prev !== this.#lastId || !this.#state)) return "hole";
    const next = isWhole
      ? { value: message.data, sum: sumOf<object>(format, message.data) }
      : this.#state && applyVerified(format, this.#state, message.changes, message.sum);
    this.#state = next;
    this.#lastId = message.id;
    return next?.sum === message.sum ? "proven" : "mismatch";
  }
}
