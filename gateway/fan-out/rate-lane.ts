import { Backlog } from "./backlog.ts";
import { Bundle } from "./bundle.ts";
import type { Outgoing } from "./outgoing.ts";
import { CompressionSequence, type Sharing } from "./shared-compression.ts";

/** A member that has what the lane held when it came, or when it caught up, and waits for what came since. */
interface Newcomer {
  /** It has everything of the room up to this sequence. */
  readonly since: number;
  readonly pendingValues: Backlog;
}

/** The messages that a lane has for one member. */
export interface LaneParts<M> {
  readonly member: M;
  readonly parts: readonly Outgoing[];
}

/**
 * The members of a room that get only the newest messages, a limited number of times a second. Messages that replace each
 * other are held from one flush of the lane to the next: together for the members that were there at the last flush,
 * apart for each that came since, so that nobody gets a message from before it came, and the chain begins with what it has.
 *
 * @typeParam M members of the fan-out; a lane only tells them apart.
 */
export class RateLane<M> {
  readonly maximumRate: number;
  readonly #members = new Set<M>();
  readonly #newcomers = new Map<M, Newcomer>();
  readonly #pendingValues = new Backlog();
  readonly #compressions = new CompressionSequence();
  readonly #timer: NodeJS.Timeout;

  /** `flush` is called `maximumRate` times a second until `close`. */
  constructor(maximumRate: number, flush: (lane: RateLane<M>) => void) {
    this.maximumRate = maximumRate;
    this.#timer = setInterval(() => flush(this), 1_000 / maximumRate);
  }

  get isEmpty(): boolean {
    return this.#members.size === 0 && this.#newcomers.size === 0;
  }

  /** The members that were there at the last flush. */
  get members(): ReadonlySet<M> {
    return this.#members;
  }

  /** Adds a member, or starts again with it: it has everything of the room up to `sequence`. */
  restart(member: M, sequence: number): void {
    this.#members.delete(member);
    this.#newcomers.set(member, { since: sequence, pendingValues: new Backlog() });
  }

  remove(member: M): void {
    this.#members.delete(member);
    this.#newcomers.delete(member);
  }

  /** Holds messages of the room until the next flush. Returns how many older ones they replaced. */
  hold(parts: readonly Outgoing[]): number {
    let replaced = 0;
    for (const part of parts) {
      if (this.#members.size > 0 && this.#pendingValues.add(part)) replaced += 1;
      for (const { since, pendingValues } of this.#newcomers.values()) {
        if (part.sequence > since && pendingValues.add(part)) replaced += 1;
      }
    }
    return replaced;
  }

  /**
   * Returns what a member has not got yet: what is held for it, and what waits in the room's `queue`. Nothing is taken
   * out.
   */
  pendingOf(member: M, queue: readonly Outgoing[]): Outgoing[] {
    const newcomer = this.#newcomers.get(member);
    const pending = new Backlog();
    for (const part of (newcomer?.pendingValues ?? this.#pendingValues).parts) pending.add(part);
    for (const part of queue) if (part.sequence > (newcomer?.since ?? -1)) pending.add(part);
    return pending.parts;
  }

  /** Takes out what is held for `members`, the same for all of them. Returns undefined where that is nothing. */
  take(sharing: Sharing | undefined): Bundle | undefined {
    const parts = this.#pendingValues.take(Number.POSITIVE_INFINITY);
    if (parts.length === 0) return undefined;
    return new Bundle(parts, this.#compressions.next(parts, sharing));
  }

  /**
   * Takes out what is held for each member that came since the last flush, and adds it to `members`. Call it after
   * `take`, with the room's queue.
   */
  takeNewcomers([first]: readonly Outgoing[]): LaneParts<M>[] {
    return [...this.#newcomers].map(([member, { since, pendingValues }]) => {
      // The next flush may bring the lane messages that this member has already: it stays a newcomer until then.
      if (!first || first.sequence > since) {
        this.#newcomers.delete(member);
        this.#members.add(member);
      }
      return { member, parts: pendingValues.take(Number.POSITIVE_INFINITY) };
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
