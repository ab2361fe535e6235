import { boundedDelay } from "../timing/bounded-delay.ts";
import type { StreamKey } from "../topics/topic.ts";

/** Passes at most `rate` values per second and key; of those in between only the newest. */
export class RateLimit<T> {
  readonly #intervalMs: number;
  readonly #emit: (value: T) => void;
  /** Keys that had a value within the interval, with the newest value that waits. */
  readonly #waiting = new Map<StreamKey, { value: T | undefined; timer: ReturnType<typeof setTimeout> }>();

  /**
   * @param rate values per second and key
   * @throws RangeError for a rate that is not more than 0
   */
  constructor(rate: number, emit: (value: T) => void) {
    if (!(rate > 0)) throw new RangeError(`maxRate must be more than 0, not ${rate}`);
    this.#intervalMs = boundedDelay(1_000 / rate);
    this.#emit = emit;
  }

  /** Emits a value immediately, or at the end of the interval if no newer one replaces it. */
  offer(key: StreamKey, value: T): void {
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.value = value;
      return;
    }
    this.#startInterval(key);
    this.#emit(value);
  }

  /** Drops the values that wait. */
  stop(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #startInterval(key: StreamKey): void {
    this.#waiting.set(key, { value: undefined, timer: setTimeout(() => this.#endInterval(key), this.#intervalMs) });
  }

  #endInterval(key: StreamKey): void {
    const value = this.#waiting.get(key)?.value;
    this.#waiting.delete(key);
    if (value === undefined) return;
    this.#startInterval(key);
    this.#emit(value);
  }
}
