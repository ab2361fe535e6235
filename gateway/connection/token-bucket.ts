export interface TokenBucketLimit {
  /** Average per second. */
  readonly rate: number;
  /** Maximum at once. */
  readonly burst: number;
}

/** A token bucket: admits `rate` per second on average and `burst` at once. */
export class TokenBucket {
  readonly #limit: TokenBucketLimit;
  #tokens: number;
  #updatedAt = performance.now();

  constructor(limit: TokenBucketLimit) {
    this.#limit = limit;
    this.#tokens = limit.burst;
  }

  /** Returns true, and takes the tokens, if there are enough for `cost` now. */
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
