/** Bounds of the waits between attempts. */
export interface BackoffOptions {
  /** Upper bound of the first wait, in ms, until the service gives one. @default 1_000 */
  readonly minimumMs?: number;
  /** Upper bound of every wait, in ms. @default 30_000 */
  readonly maximumMs?: number;
}

/**
 * Exponential backoff with full jitter: the wait before attempt `n + 1` is random between 0 and `minimumMs * 2^n`, at
 * most `maximumMs`, so that the clients of a gateway that failed do not all reconnect at the same moment.
 */
export class Backoff {
  #minimumMs: number;
  readonly #maximumMs: number;
  #attempts = 0;

  constructor({ minimumMs = 1_000, maximumMs = 30_000 }: BackoffOptions = {}) {
    this.#minimumMs = minimumMs;
    this.#maximumMs = maximumMs;
  }

  /** Returns the next wait in ms; each call counts as one more failure. */
  next(): number {
    const bound = Math.min(this.#maximumMs, this.#minimumMs * 2 ** this.#attempts);
    if (bound < this.#maximumMs) this.#attempts += 1;
    return Math.random() * bound;
  }

  /** Sets the upper bound of the first wait, in ms. With 0 no wait would ever grow: the longest is used instead. */
  spread(minimumMs: number): void {
    this.#minimumMs = minimumMs || this.#maximumMs;
  }

  /** Starts over with the shortest wait. */
  reset(): void {
    this.#attempts = 0;
  }
}
