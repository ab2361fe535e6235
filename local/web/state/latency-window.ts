/** Measurements that count: the newest ones, and none older than this, in ms. */
const SIZE = 500;
const MAXIMUM_AGE_MS = 60_000;

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

interface Measurement {
  /** When it was painted, in ms since 1970. */
  readonly at: number;
  readonly took: number;
}

/** Collects the time that messages take to the screen: until the frame that shows them is painted. */
export class LatencyWindow {
  readonly #measured: Measurement[] = [];
  #waiting: number[] = [];
  #next = 0;

  /** @param publishedAt ms since 1970, by the clock of Redis: on one machine the same clock as ours. */
  add(publishedAt: number): void {
    // In a hidden tab there are no frames: what is not shown is not measured, and must not pile up.
    if (document.hidden) return;
    if (this.#waiting.length === 0) requestAnimationFrame(() => setTimeout(() => this.#measure(), 0));
    this.#waiting.push(publishedAt);
  }

  /** Returns undefined where nothing was measured in the last minute: an old figure would pass for a new one. */
  percentiles(): Percentiles | undefined {
    const oldest = Date.now() - MAXIMUM_AGE_MS;
    const sorted = this.#measured.flatMap(({ at, took }) => (at >= oldest ? took : [])).sort((a, b) => a - b);
    if (sorted.length === 0) return undefined;
    const of = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return { p50: of(0.5), p99: of(0.99) };
  }

  #measure(): void {
    const at = Date.now();
    for (const publishedAt of this.#waiting) {
      this.#measured[this.#next] = { at, took: Math.max(0, at - publishedAt) };
      this.#next = (this.#next + 1) % SIZE;
    }
    this.#waiting = [];
  }
}
