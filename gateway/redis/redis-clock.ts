import { timeOf } from "../../contract/ids.ts";
import { MAXIMUM_ID_AHEAD_MS } from "../../kernel/streams/stream-clock.ts";

/**
 * Tells the time by Redis, which gives the ids: the answers of all primaries to `TIME`, continued by this process's
 * monotonic clock. This process's own wall clock decides nothing: it may be wrong, and ids would seem old or far ahead.
 */
export class RedisClock {
  /** By primary: its clock minus `performance.now()`, in ms. Too small by the time that its answer took, never too large. */
  #offsets = new Map<string, number>();
  /** By primary: half of the time between its request and answer, in ms. */
  readonly #halfTrips = new Map<string, number>();
  readonly #isKnown: Promise<void>;
  #resolve: () => void = () => undefined;

  constructor() {
    this.#isKnown = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Resolves once a primary has answered `TIME`. */
  get isKnown(): Promise<void> {
    return this.#isKnown;
  }

  /**
   * Records a primary's answer to `TIME`: seconds since 1970 and microseconds of the second.
   *
   * @param roundTripMs the time from the request to the answer.
   */
  sample(primary: string, [seconds, microseconds]: readonly (string | number)[], roundTripMs = 0): void {
    const time = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
    if (!Number.isFinite(time)) return;
    this.#offsets.set(primary, time - performance.now());
    this.#halfTrips.set(primary, roundTripMs / 2);
    this.#resolve();
  }

  /** Forgets primaries that are not among these, unless that would be all. */
  retain(primaries: ReadonlySet<string>): void {
    const kept = [...this.#offsets].filter(([primary]) => primaries.has(primary));
    if (kept.length > 0) this.#offsets = new Map(kept);
  }

  /** The earliest time by any primary, in ms since 1970: how far to look back. Undefined before the first answer. */
  get earliest(): number | undefined {
    return this.#fold((a, b) => Math.min(a, b));
  }

  /** The likeliest time, in ms since 1970, for measuring how long something took. Undefined before the first answer. */
  get now(): number | undefined {
    const likely = [...this.#offsets].map(([primary, offset]) => offset + (this.#halfTrips.get(primary) ?? 0));
    return likely.length === 0 ? undefined : Math.min(...likely) + performance.now();
  }

  /** Returns true for an id further ahead than the clock of a Redis can be: forged, or from before its clock was set back. */
  isAhead(id: string): boolean {
    const latest = this.#fold((a, b) => Math.max(a, b));
    return latest !== undefined && timeOf(id) > latest + MAXIMUM_ID_AHEAD_MS;
  }

  /** The newest id that is not too far ahead, or `+` (any) before the first answer. */
  get newestId(): string {
    const latest = this.#fold((a, b) => Math.max(a, b));
    return latest === undefined ? "+" : String(Math.floor(latest + MAXIMUM_ID_AHEAD_MS));
  }

  #fold(choose: (a: number, b: number) => number): number | undefined {
    let offset: number | undefined;
    for (const each of this.#offsets.values()) offset = offset === undefined ? each : choose(offset, each);
    return offset === undefined ? undefined : offset + performance.now();
  }
}
