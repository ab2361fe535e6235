import { Bundle } from "./bundle.ts";
import type { JoinedRoom, Member } from "./member.ts";
import type { Outgoing } from "./outgoing.ts";
import { RateLane } from "./rate-lane.ts";
import { CompressionSequence, type Sharing } from "./shared-compression.ts";

export interface LaneOptions {
  /** Messages a second and `replaces` name at most. */
  readonly maximumRate: number;
  /** The new member has everything of the room up to this sequence. */
  readonly sequence: number;
  /** Called that often for the lane, as long as it has members. */
  readonly flushLane: (room: Room, lane: RateLane<Member>) => void;
}

/** The clients that get the same messages, and the messages that wait for the next flush. */
export class Room implements JoinedRoom {
  readonly name: string;
  readonly #members = new Set<Member>();
  readonly #lanes = new Map<number, RateLane<Member>>();
  readonly #laneOf = new Map<Member, RateLane<Member>>();
  readonly #compressions = new CompressionSequence();
  #channelRoom: Room | undefined;
  #queue: Outgoing[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0 && this.#lanes.size === 0;
  }

  get queue(): readonly Outgoing[] {
    return this.#queue;
  }

  get channelRoom(): Room | undefined {
    return this.#channelRoom;
  }

  /** The clients that get every message. */
  get members(): ReadonlySet<Member> {
    return this.#members;
  }

  /** The clients that asked for fewer messages, by how many a second. */
  get lanes(): Iterable<RateLane<Member>> {
    return this.#lanes.values();
  }

  /** Adds a message to the queue for the next flush. */
  enqueue(message: Outgoing): void {
    this.#queue.push(message);
  }

  /** Sets the room whose members get this room's messages there, as it stands when a message is queued. */
  linkChannelRoom(room: Room | undefined): void {
    this.#channelRoom = room;
  }

  /** Takes the queue out, as a bundle for all members. Returns undefined where nothing waits. */
  takeBundle(sharing: Sharing | undefined): Bundle | undefined {
    if (this.#queue.length === 0) return undefined;
    const parts = this.#queue;
    this.#queue = [];
    return new Bundle(parts, this.#compressions.next(parts, sharing));
  }

  rateOf(member: Member): number {
    if (this.#members.has(member)) return Number.POSITIVE_INFINITY;
    return this.#laneOf.get(member)?.maximumRate ?? 0;
  }

  has(member: Member): boolean {
    return this.rateOf(member) > 0;
  }

  /** Adds a member that gets every message. */
  add(member: Member): void {
    this.#members.add(member);
    member.enter(this);
  }

  /** Adds a member that has everything up to `sequence`, and gets the newest messages from there on at a rate. */
  addAtRate(member: Member, { maximumRate, sequence, flushLane }: LaneOptions): void {
    const lane = this.#lanes.get(maximumRate) ?? new RateLane(maximumRate, (due) => flushLane(this, due));
    this.#lanes.set(maximumRate, lane);
    this.#laneOf.set(member, lane);
    lane.restart(member, sequence);
    member.enter(this, lane);
  }

  /** Removes a member, and its lane where it was the last one there. Returns the rate that it was in with, if any. */
  remove(member: Member): number | undefined {
    this.#members.delete(member);
    member.exit(this);
    const lane = this.#laneOf.get(member);
    if (!lane) return undefined;
    this.#laneOf.delete(member);
    lane.remove(member);
    if (lane.isEmpty) {
      lane.close();
      this.#lanes.delete(lane.maximumRate);
    }
    return lane.maximumRate;
  }

  /** Ends the timers of all lanes. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.close();
  }
}
