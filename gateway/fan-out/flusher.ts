import { Bundle } from "./bundle.ts";
import type { Flush } from "./fan-out-options.ts";
import type { Member } from "./member.ts";
import type { MessageQueue } from "./message-queue.ts";
import type { Outgoing } from "./outgoing.ts";
import { partsByLane } from "./paths.ts";
import type { RateLane } from "./rate-lane.ts";
import type { Room } from "./room.ts";
import type { Sharing } from "./shared-compression.ts";
import type { TailMemory } from "./tail-memory.ts";

interface FlusherOptions {
  readonly queue: MessageQueue;
  /** Holds what clients got compressed. Without it nothing is compressed. */
  readonly tails: TailMemory | undefined;
  /** Called before each flush of what is queued. */
  readonly onFlushing: () => void;
  /** Called after each flush. */
  readonly onFlush: (flush: Flush) => void;
  /** Called for each message that a newer one has replaced in a lane. */
  readonly onReplaced: () => void;
  /** Called with what one client's write, or `onFlush`, has thrown. The other clients get their messages. */
  readonly onError: (error: unknown) => void;
}

/** Writes what is queued to the members of the rooms: to all at a flush, or at once to one that needs it now. */
export class Flusher {
  readonly #options: FlusherOptions;
  #messages = 0;
  #writes = 0;
  #bytes = 0;

  constructor(options: FlusherOptions) {
    this.#options = options;
  }

  /** Counts bytes that were written to a client, for the report of the next flush. */
  countBytes(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Sends everything that is queued, each member's messages from all its rooms with one write. */
  flush(): void {
    this.#options.onFlushing();
    const touched: Member[] = [];
    for (const room of this.#options.queue.takePending()) this.#gather(room, touched);
    for (const member of touched) {
      try {
        this.#messages += member.flush();
        this.#writes += 1;
      } catch (error) {
        this.#options.onError(error);
      }
    }
    this.#report(this.#options.queue.takeOldestId());
  }

  /** Sends what a lane has held. Written at once: the lane's own time is what messages have waited for. */
  flushLane(room: Room, lane: RateLane<Member>): void {
    const shared = lane.take(this.#sharingOf(lane.members));
    if (shared) for (const member of lane.members) this.#sendByLane(room, member, shared);
    for (const { member, parts } of lane.takeNewcomers(room.queue)) {
      if (parts.length > 0) this.#sendByLane(room, member, new Bundle(parts));
    }
    if (this.#writes > 0) this.#report();
  }

  /** Sends a member at once what waits for the next flush, so that something else can follow. */
  flushRoomsOf(member: Member): void {
    const { queue } = this.#options;
    if (queue.isEmpty || member.servedUpTo === queue.sequence) return;
    const parts = member.unserved();
    member.markServed(queue.sequence);
    if (parts.length === 0) return;
    queue.seal();
    this.#send(member, new Bundle(parts));
  }

  /** Sends a member at once all that its rooms have for it, also what a lane holds for later. */
  catchUp(member: Member): void {
    const { queue } = this.#options;
    this.flushRoomsOf(member);
    if (member.lanes.size > 0) queue.seal();
    for (const [room, lane] of member.lanes) {
      const parts = partsByLane(room, member, lane.pendingOf(member, room.queue));
      lane.restart(member, queue.sequence);
      if (parts.length > 0) this.#send(member, new Bundle(parts));
    }
  }

  #gather(room: Room, touched: Member[]): void {
    const bundle = room.takeBundle(this.#sharingOf(room.members));
    if (!bundle) return;
    const { channelRoom } = room;
    const elsewhere = channelRoom && channelRoom.members.size > 0 ? channelRoom.members : undefined;
    for (const member of room.members) {
      if (!elsewhere?.has(member) && member.gather(bundle)) touched.push(member);
    }
    for (const lane of room.lanes) this.#hold(lane, bundle.parts);
  }

  #sharingOf(members: ReadonlySet<Member>): Sharing | undefined {
    const memory = this.#options.tails;
    if (!memory) return undefined;
    let sharers = 0;
    for (const { outbox } of members) if (outbox.isCompressed) sharers += 1;
    return { sharers, memory };
  }

  #hold(lane: RateLane<Member>, parts: readonly Outgoing[]): void {
    for (let replaced = lane.hold(parts); replaced > 0; replaced -= 1) this.#options.onReplaced();
  }

  #sendByLane(room: Room, member: Member, bundle: Bundle): void {
    const own = partsByLane(room, member, bundle.parts);
    if (own.length === 0) return;
    try {
      this.#send(member, own === bundle.parts ? bundle : new Bundle(own));
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #send(member: Member, bundle: Bundle): void {
    member.outbox.send([bundle]);
    this.#messages += bundle.parts.length;
    this.#writes += 1;
  }

  #report(oldestId?: string): void {
    const flush = { messages: this.#messages, writes: this.#writes, bytes: this.#bytes, oldestId };
    this.#messages = 0;
    this.#writes = 0;
    this.#bytes = 0;
    try {
      this.#options.onFlush(flush);
    } catch (error) {
      this.#options.onError(error);
    }
  }
}
