/** Values kept of a stream of them: enough for a p99, however long a load runs. */
const MAXIMUM_SAMPLES = 100_000;

/** A uniform sample of values, and their number (reservoir sampling). */
export class Samples {
  readonly #values: number[] = [];
  #count = 0;

  add(value: number): void {
    this.#count += 1;
    if (this.#values.length < MAXIMUM_SAMPLES) this.#values.push(value);
    else {
      const index = Math.floor(Math.random() * this.#count);
      if (index < MAXIMUM_SAMPLES) this.#values[index] = value;
    }
  }

  get count(): number {
    return this.#count;
  }

  /** Percentiles, rounded to 0.1; undefined without values. */
  summary(): { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number } | undefined {
    if (this.#values.length === 0) return undefined;
    const sorted = [...this.#values].sort((a, b) => a - b);
    const at = (share: number): number => {
      const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
      return Math.round(value * 10) / 10;
    };
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
  }
}
