import type { Bundle } from "./bundle.ts";
import type { Outbox } from "./outbox.ts";
import type { Outgoing } from "./outgoing.ts";
import { Lane } from "./rate-lane.ts";

/** One client in the fan-out. */
export class Member {
  readonly outbox: Outbox;
  /** The rooms that it gets every message of. */
  readonly rooms = new Set<Room>();
  /** The rooms that it gets the newest messages of, at a rate. */
  readonly lanes = new Set<Lane>();
  /** The client has all messages of `rooms` up to this sequence. A lane has a watermark of its own. */
  servedUpTo = 0;
  /** What the flush under way has for it. */
  gathered: Bundle[] | undefined;
  isGone = false;

  constructor(outbox: Outbox) {
    this.outbox = outbox;
  }
}

/** The clients that get the same messages, and the messages that wait for the next flush. */
export class Room {
  readonly name: string;
  readonly members = new Set<Member>();
  /** Clients that asked for fewer messages, by how many a second. */
  readonly lanes = new Map<number, Lane>();
  readonly #laneOf = new Map<Member, Lane>();
  /** A room whose members get this one's messages there. */
  whole: Room | undefined;
  queue: Outgoing[] = [];
  /** The tail of the last bundle, where bundles are compressed. */
  tail: Buffer | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get isEmpty(): boolean {
    return this.members.size === 0 && this.lanes.size === 0;
  }

  /** Messages a second that a member gets of this room at the most; 0 where it is not in it. */
  rateOf(member: Member): number {
    if (this.members.has(member)) return Number.POSITIVE_INFINITY;
    return this.#laneOf.get(member)?.maximumRate ?? 0;
  }

  has(member: Member): boolean {
    return this.rateOf(member) > 0;
  }

  add(member: Member): void {
    this.members.add(member);
    member.rooms.add(this);
  }

  /** Adds a member that has everything up to `sequence`, and gets the newest messages from there on at a rate. */
  addAtRate(member: Member, { maximumRate, sequence, onTick }: LaneOptions): void {
    const lane = this.lanes.get(maximumRate) ?? new Lane(this, maximumRate, onTick);
    this.lanes.set(maximumRate, lane);
    this.#laneOf.set(member, lane);
    lane.restart(member, sequence);
    member.lanes.add(lane);
  }

  /** Returns the rate that the member was in with, if any. */
  remove(member: Member): number | undefined {
    this.members.delete(member);
    member.rooms.delete(this);
    const lane = this.#laneOf.get(member);
    if (!lane) return undefined;
    this.#laneOf.delete(member);
    member.lanes.delete(lane);
    lane.remove(member);
    if (lane.isEmpty) {
      lane.close();
      this.lanes.delete(lane.maximumRate);
    }
    return lane.maximumRate;
  }
}

interface LaneOptions {
  readonly maximumRate: number;
  readonly sequence: number;
  readonly onTick: (lane: Lane) => void;
}
