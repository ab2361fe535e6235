/** Lets through `rate` per second on average and `burst` at once. */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #updatedAt = performance.now();

  constructor({ rate, burst }: { readonly rate: number; readonly burst: number }) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Whether `cost` may pass now; it is taken off only if so. */
  take(cost = 1): boolean {
    const now = performance.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#updatedAt) / 1_000) * this.#rate);
    this.#updatedAt = now;
    if (this.#tokens < cost) return false;
    this.#tokens -= cost;
    return true;
  }
}
