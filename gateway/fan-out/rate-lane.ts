import { Backlog } from "./backlog.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Member, Room } from "./room.ts";

/** A member that has what the lane held when it came, or when it was made level, and waits for what came since. */
interface Newcomer {
  /** It has everything of the room up to this sequence. */
  readonly since: number;
  readonly held: Backlog;
}

/**
 * The members of a room that get the newest messages alone, so many times a second. What replaces each other is held
 * from one tick to the next: together for those who were there at the last tick, apart for each who came since, so
 * that nobody gets a message of before it came, and the chain begins with what it has.
 */
export class Lane {
  readonly room: Room;
  readonly maximumRate: number;
  /** The tail of the last bundle, where bundles are compressed. */
  tail: Buffer | undefined;
  readonly members = new Set<Member>();
  readonly #newcomers = new Map<Member, Newcomer>();
  readonly #held = new Backlog();
  readonly #timer: NodeJS.Timeout;

  constructor(room: Room, maximumRate: number, onTick: (lane: Lane) => void) {
    this.room = room;
    this.maximumRate = maximumRate;
    this.#timer = setInterval(() => onTick(this), 1_000 / maximumRate);
  }

  get isEmpty(): boolean {
    return this.members.size === 0 && this.#newcomers.size === 0;
  }

  /** Takes a member in, or begins anew with it: it has everything of the room up to `sequence`. */
  restart(member: Member, sequence: number): void {
    this.members.delete(member);
    this.#newcomers.set(member, { since: sequence, held: new Backlog() });
  }

  remove(member: Member): void {
    this.members.delete(member);
    this.#newcomers.delete(member);
  }

  /** Holds messages of the room until the next tick. Returns how many older ones they replaced. */
  hold(parts: readonly Outgoing[]): number {
    let replaced = 0;
    for (const part of parts) {
      if (this.members.size > 0 && this.#held.add(part)) replaced += 1;
      for (const { since, held } of this.#newcomers.values()) {
        if (part.sequence > since && held.add(part)) replaced += 1;
      }
    }
    return replaced;
  }

  /** What a member has not got yet: what is held for it, and what waits in the room. Nothing is taken out. */
  pendingOf(member: Member): Outgoing[] {
    const newcomer = this.#newcomers.get(member);
    const pending = new Backlog();
    for (const part of (newcomer?.held ?? this.#held).parts) pending.add(part);
    for (const part of this.room.queue) if (part.sequence > (newcomer?.since ?? -1)) pending.add(part);
    return pending.parts;
  }

  /** Takes out what is held for `members`, the same for all of them. */
  take(): Outgoing[] {
    return this.#held.take(Number.POSITIVE_INFINITY);
  }

  /** Takes out what is held for each who came since the last tick, and makes it one of `members`. Call it after `take`. */
  takeNewcomers(): { readonly member: Member; readonly parts: readonly Outgoing[] }[] {
    const [first] = this.room.queue;
    return [...this.#newcomers].map(([member, { since, held }]) => {
      // What it has may wait in the room still: the others get that with the next tick, and it must not.
      if (!first || first.sequence > since) {
        this.#newcomers.delete(member);
        this.members.add(member);
      }
      return { member, parts: held.take(Number.POSITIVE_INFINITY) };
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
