import type { Histogram } from "prom-client";
import { timeOf } from "../contract/ids.ts";
import { MAXIMUM_VALUES } from "../kernel/aws/embedded-metrics.ts";
import type { RedisClock } from "./redis/redis-clock.ts";

/**
 * Measures the time from an entry's id, which holds the millisecond of Redis's clock, to the write to the sockets. Both
 * ends are by Redis's clock, as `RedisClock` continues it: the two machines' clocks may differ.
 *
 * Called once per flush with its oldest entry, not per delivery, which would cost a thousand times as much in a large room.
 */
export class PublishToWrite {
  readonly #clock: Pick<RedisClock, "now">;
  readonly #histogram: Histogram;
  #sample: number[] = [];
  #seen = 0;

  constructor(clock: Pick<RedisClock, "now">, histogram: Histogram) {
    this.#clock = clock;
    this.#histogram = histogram;
  }

  observe(id: string): void {
    const { now } = this.#clock;
    if (now === undefined) return;
    // The two ways of a round trip are not equally long: an entry that is just written may seem to be of the future.
    const milliseconds = Math.max(0, now - timeOf(id));
    this.#histogram.observe(milliseconds / 1_000);
    this.#keep(milliseconds);
  }

  /** Returns the sample since the last call, in ms: each observation had the same chance to be in it. */
  takeSample(): readonly number[] {
    const sample = this.#sample;
    this.#sample = [];
    this.#seen = 0;
    return sample;
  }

  #keep(milliseconds: number): void {
    this.#seen += 1;
    const rounded = Math.round(milliseconds * 100) / 100;
    if (this.#sample.length < MAXIMUM_VALUES) {
      this.#sample.push(rounded);
      return;
    }
    const place = Math.floor(Math.random() * this.#seen);
    if (place < MAXIMUM_VALUES) this.#sample[place] = rounded;
  }
}
