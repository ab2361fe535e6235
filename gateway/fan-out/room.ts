import { Backlog } from "./backlog.ts";
import type { Bundle } from "./bundle.ts";
import type { Outbox } from "./outbox.ts";
import type { Outgoing } from "./outgoing.ts";

/** One client in the fan-out. */
export class Member {
  readonly outbox: Outbox;
  readonly rooms = new Set<Room>();
  /** The client has all messages of its rooms up to this sequence. */
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
}

/** The members of a room that get the newest messages alone, so many times a second. */
export class Lane extends Room {
  readonly maximumRate: number;
  readonly parent: Room;
  readonly held = new Backlog();
  readonly timer: NodeJS.Timeout;

  constructor(parent: Room, maximumRate: number, onTick: (lane: Lane) => void) {
    super(`${parent.name} at ${maximumRate}/s`);
    this.parent = parent;
    this.maximumRate = maximumRate;
    this.timer = setInterval(() => onTick(this), 1_000 / maximumRate);
  }
}
