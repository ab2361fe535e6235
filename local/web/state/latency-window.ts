/** Measurements that count: the newest ones. */
const SIZE = 500;

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** How long messages took to the screen: until the frame that shows them has been painted. */
export class LatencyWindow {
  readonly #measured: number[] = [];
  #waiting: number[] = [];
  #next = 0;

  /** @param publishedAt ms since 1970, by the clock of Redis: on one machine the same clock as ours. */
  add(publishedAt: number): void {
    // In a hidden tab there are no frames: what is not shown is not measured, and must not pile up.
    if (document.hidden) return;
    if (this.#waiting.length === 0) requestAnimationFrame(() => setTimeout(() => this.#measure(), 0));
    this.#waiting.push(publishedAt);
  }

  percentiles(): Percentiles | undefined {
    if (this.#measured.length === 0) return undefined;
    const sorted = this.#measured.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return { p50: at(0.5), p99: at(0.99) };
  }

  #measure(): void {
    const now = Date.now();
    for (const publishedAt of this.#waiting) {
      this.#measured[this.#next] = Math.max(0, now - publishedAt);
      this.#next = (this.#next + 1) % SIZE;
    }
    this.#waiting = [];
  }
}
