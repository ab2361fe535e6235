import type { Bundle } from "./bundle.ts";
import type { Outbox } from "./outbox.ts";
import type { Outgoing } from "./outgoing.ts";
import type { RateLane } from "./rate-lane.ts";

/** A room as its members need it. */
export interface JoinedRoom {
  readonly name: string;
  /** Messages that wait for the next flush, the oldest first. */
  readonly queue: readonly Outgoing[];
  /** The room of the whole channel, where this one's stream is part of a channel with a room of its own. */
  readonly channelRoom: JoinedRoom | undefined;
  /** Returns how many messages a second a member gets of the room at most; 0 where it is not in it. */
  rateOf(member: Member): number;
}

/** One client in the fan-out: where it is, and up to where it has been sent the messages of its rooms. */
export class Member {
  readonly outbox: Outbox;
  readonly #rooms = new Set<JoinedRoom>();
  readonly #lanes = new Map<JoinedRoom, RateLane<Member>>();
  #servedUpTo = 0;
  /** Set while a flush has something for it. */
  #gathered: Bundle[] | undefined;
  #isGone = false;

  constructor(outbox: Outbox) {
    this.outbox = outbox;
  }

  /** The rooms that it gets every message of. */
  get rooms(): ReadonlySet<JoinedRoom> {
    return this.#rooms;
  }

  /** The rooms that it gets only the newest messages of, at a rate. */
  get lanes(): ReadonlyMap<JoinedRoom, RateLane<Member>> {
    return this.#lanes;
  }

  /** The client has all messages of `rooms` up to this sequence. A lane keeps a sequence of its own for each member. */
  get servedUpTo(): number {
    return this.#servedUpTo;
  }

  /** True once the client has disconnected: it joins no room any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Records that the client has disconnected. */
  end(): void {
    this.#isGone = true;
  }

  /** Records a room that has added the member; to a lane where it gets the newest messages only. Called by the room. */
  enter(room: JoinedRoom, lane?: RateLane<Member>): void {
    if (lane) this.#lanes.set(room, lane);
    else this.#rooms.add(room);
  }

  /** Forgets a room that has removed the member. Called by the room. */
  exit(room: JoinedRoom): void {
    this.#rooms.delete(room);
    this.#lanes.delete(room);
  }

  /** Records that the client has all messages of its rooms up to a sequence. */
  markServed(sequence: number): void {
    this.#servedUpTo = sequence;
  }

  /** Returns the messages that wait in its rooms and that it has not been sent, in order and each once. */
  unserved(): Outgoing[] {
    const waiting = [...this.#rooms].flatMap(({ queue }) => queue);
    const unserved = new Set(waiting.filter(({ sequence }) => sequence > this.#servedUpTo));
    return [...unserved].toSorted((a, b) => a.sequence - b.sequence);
  }

  /** Adds what it has not been sent of a bundle to what the flush under way has for it. Returns true for the first. */
  gather(bundle: Bundle): boolean {
    const rest = bundle.after(this.#servedUpTo);
    if (rest === undefined) return false;
    if (this.#gathered) {
      this.#gathered.push(rest);
      return false;
    }
    this.#gathered = [rest];
    return true;
  }

  /** Sends what the flush has gathered, with one write. Returns the number of messages. */
  flush(): number {
    const bundles = this.#gathered;
    if (bundles === undefined) return 0;
    this.#gathered = undefined;
    this.outbox.send(bundles);
    let messages = 0;
    for (const { parts } of bundles) messages += parts.length;
    return messages;
  }
}
