import { boundedDelay } from "../timing/bounded-delay.ts";
import type { StreamKey } from "../topics/topic.ts";

/** Passes on at most `rate` values a second and key; of what comes between, the newest. */
export class RateLimit<T> {
  readonly #intervalMs: number;
  readonly #emit: (value: T) => void;
  /** Keys that have had a value within the interval, with the newest that waits. */
  readonly #waiting = new Map<StreamKey, { value: T | undefined; timer: ReturnType<typeof setTimeout> }>();

  /** @param rate values a second and key, more than 0 */
  constructor(rate: number, emit: (value: T) => void) {
    if (!(rate > 0)) throw new RangeError(`maxRate must be more than 0, not ${rate}`);
    this.#intervalMs = boundedDelay(1_000 / rate);
    this.#emit = emit;
  }

  offer(key: StreamKey, value: T): void {
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.value = value;
      return;
    }
    this.#hold(key);
    this.#emit(value);
  }

  stop(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #hold(key: StreamKey): void {
    this.#waiting.set(key, { value: undefined, timer: setTimeout(() => this.#release(key), this.#intervalMs) });
  }

  #release(key: StreamKey): void {
    const value = this.#waiting.get(key)?.value;
    this.#waiting.delete(key);
    if (value === undefined) return;
    this.#hold(key);
    this.#emit(value);
  }
}
