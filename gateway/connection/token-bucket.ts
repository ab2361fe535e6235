export interface TokenBucketLimit {
  /** Per second on average. */
  readonly rate: number;
  /** At once. */
  readonly burst: number;
}

/** Lets through `rate` per second on average and `burst` at once. */
export class TokenBucket {
  readonly #limit: TokenBucketLimit;
  #tokens: number;
  #updatedAt = performance.now();

  constructor(limit: TokenBucketLimit) {
    this.#limit = limit;
    this.#tokens = limit.burst;
  }

  /** Whether `cost` may pass now; it is taken off only if so. */
  take(cost = 1): boolean {
    const now = performance.now();
    const { rate, burst } = this.#limit;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#updatedAt) / 1_000) * rate);
    this.#updatedAt = now;
    if (this.#tokens < cost) return false;
    this.#tokens -= cost;
    return true;
  }
}
