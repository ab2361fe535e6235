import { type Depth, MAXIMUM_RATE } from "../../../contract/limits.ts";
import type { StreamPosition } from "../positions/stream-position.ts";
import type { StreamPositions } from "../positions/stream-positions.ts";
import type { StreamKey } from "../topics/topic.ts";
import type { Receiver } from "./receiver.ts";

/** The receivers of one subscription, and what they need together beside streams. */
export class Receivers extends Set<Receiver> {
  readonly #isWholeWanted: () => boolean;
  /** The options of the last request. */
  #requested: { readonly maxRate: number | undefined; readonly depth: Depth | undefined } | undefined;

  /** @param isWholeWanted whether the application has a subscription to the whole channel as well */
  constructor(isWholeWanted: () => boolean) {
    super();
    this.#isWholeWanted = isWholeWanted;
  }

  /** Enough values per second for every receiver. Undefined for no limit. */
  get maxRate(): number | undefined {
    const highest = Math.max(1, ...this.#map(({ maxRate = Number.POSITIVE_INFINITY }) => Math.ceil(maxRate)));
    return this.size > 0 && highest <= MAXIMUM_RATE ? highest : undefined;
  }

  /** Enough levels a side for every receiver. Undefined for all of them. */
  get depth(): Depth | undefined {
    // With the whole channel every level of the market arrives anyway.
    if (this.#isWholeWanted()) return undefined;
    const deepest = Math.max(...this.#map(({ depth = Number.POSITIVE_INFINITY }) => depth));
    return Number.isFinite(deepest) ? (deepest as Depth) : undefined;
  }

  /** True if the last request asked for another rate or depth than they need. */
  get areOutdated(): boolean {
    const { maxRate, depth } = this;
    const requested = this.#requested;
    return this.size > 0 && requested !== undefined && (requested.maxRate !== maxRate || requested.depth !== depth);
  }

  get positions(): StreamPositions[] {
    return this.#map(({ positions }) => positions);
  }

  /** Records that a request is about to ask for what they need. */
  markRequested(): void {
    const { maxRate, depth } = this;
    this.#requested = { maxRate, depth };
  }

  refresh(): void {
    for (const receiver of [...this]) receiver.refresh();
  }

  /** Returns whether a receiver is behind a position that the service named. */
  expect(named: StreamPosition): boolean {
    // Each of them has to learn of it.
    return this.positions.filter((each) => each.expect(named)).length > 0;
  }

  /** Returns whether a receiver is ahead of a position that the service named. */
  areAheadOf(named: StreamPosition): boolean {
    return this.positions.some((each) => each.compare(named) < 0);
  }

  /** Returns whether a stream waits for the service to say where it is. */
  areSuspended(key: StreamKey): boolean {
    return this.positions.some((each) => each.isSuspended(key));
  }

  /** Marks a stream in which something is missing. */
  miss(key: StreamKey): void {
    for (const each of this.positions) each.miss(key);
    this.refresh();
  }

  /** Suspends the stream of a position for the receivers that are ahead of it. Returns whether there are any. */
  suspend(named: StreamPosition): boolean {
    const ahead = [...this].filter(({ positions }) => positions.compare(named) < 0);
    for (const receiver of ahead) {
      receiver.positions.suspend(named.key);
      receiver.refresh();
    }
    return ahead.length > 0;
  }

  /** Returns the streams that the positions of any receiver name. */
  collect(keysOf: (positions: StreamPositions) => Iterable<StreamKey>): Set<StreamKey> {
    return new Set(this.positions.flatMap((each) => [...keysOf(each)]));
  }

  #map<T>(select: (receiver: Receiver) => T): T[] {
    return [...this].map(select);
  }
}
