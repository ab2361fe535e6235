import { boundedDelay } from "./bounded-delay.ts";

/** Items that are due within the same period, in ms, run together. */
const PERIOD_MS = 250;

interface Batch<T> {
  readonly items: Set<T>;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Runs items that are due at about the same time together, so that they go out as one request instead of many. */
export class BatchedTimers<T> {
  readonly #run: (items: readonly T[]) => void;
  /** By the number of the period. */
  readonly #batches = new Map<number, Batch<T>>();
  readonly #periodOf = new Map<T, number>();

  constructor(run: (items: readonly T[]) => void) {
    this.#run = run;
  }

  /** Runs an item once the delay is over, in place of an earlier plan for it. */
  schedule(item: T, delayMs: number): void {
    this.cancel(item);
    const period = Math.ceil((Date.now() + delayMs) / PERIOD_MS);
    const batch = this.#batches.get(period) ?? this.#open(period);
    batch.items.add(item);
    this.#periodOf.set(item, period);
  }

  /** Removes an item from what is planned. */
  cancel(item: T): void {
    const period = this.#periodOf.get(item);
    if (period === undefined) return;
    this.#periodOf.delete(item);
    this.#batches.get(period)?.items.delete(item);
  }

  /** Cancels everything. */
  stop(): void {
    for (const { timer } of this.#batches.values()) clearTimeout(timer);
    this.#batches.clear();
    this.#periodOf.clear();
  }

  #open(period: number): Batch<T> {
    const delay = Math.max(0, period * PERIOD_MS - Date.now());
    const batch = { items: new Set<T>(), timer: setTimeout(() => this.#fire(period), boundedDelay(delay)) };
    this.#batches.set(period, batch);
    return batch;
  }

  #fire(period: number): void {
    const items = [...(this.#batches.get(period)?.items ?? [])];
    this.#batches.delete(period);
    for (const item of items) this.#periodOf.delete(item);
    if (items.length > 0) this.#run(items);
  }
}
