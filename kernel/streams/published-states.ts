import type { StateFormat } from "../../contract/state/state-format.ts";
import type { StoredState } from "./stored-state.ts";

/** Most bytes that the remembered values take, as JSON: some 5,000 books of 100 levels a side. */
const MAXIMUM_BYTES = 64 * 1_024 * 1_024;

interface Remembered {
  readonly state: StoredState;
  /** Upper bound of the value's size. */
  readonly bytes: number;
}

/** The values that a publisher has published last, by stream: the next one is sent as what differs. */
export class PublishedStates {
  readonly #states = new Map<string, Remembered>();
  readonly #maximumBytes: number;
  #bytes = 0;

  constructor(maximumBytes = MAXIMUM_BYTES) {
    this.#maximumBytes = maximumBytes;
  }

  get(name: string): StoredState | undefined {
    return this.#states.get(name)?.state;
  }

  /** Remembers a value. Those that were published longest ago go first, where all together are too large. */
  set(name: string, state: StoredState, format: StateFormat<object>): void {
    this.delete(name);
    const bytes = (format.count(state.value) + 1) * format.maximumRowBytes;
    this.#states.set(name, { state, bytes });
    this.#bytes += bytes;
    for (const [oldest] of this.#states) {
      if (this.#bytes <= this.#maximumBytes) break;
      this.delete(oldest);
    }
  }

  delete(name: string): void {
    this.#bytes -= this.#states.get(name)?.bytes ?? 0;
    this.#states.delete(name);
  }
}
