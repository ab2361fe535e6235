import { setImmediate as nextTurn } from "node:timers/promises";
import { Bundle } from "./bundle.ts";
import type { EngineConnection } from "./engine-connection.ts";
import { FlushWindow } from "./flush-window.ts";
import { Outbox, type OutboxHost } from "./outbox.ts";
import { Outgoing, type OutgoingOptions } from "./outgoing.ts";
import { Lane, Member, Room } from "./room.ts";
import { takesSharedCompression } from "./shared-deflate.ts";
import { WaitingOutboxes } from "./waiting-outboxes.ts";

/** Sent to one client at once, in bytes, before it must have taken it: below any bound on what may wait for it. */
const PIECE_BYTES = 65_536;

/** Clients from which on compressing once for all of them costs little beside the writes: some 30 µs a message. */
const MINIMUM_SHARERS = 50;

export interface FanOutOptions {
  /** Whether bundles may be written past Socket.IO; see `self-test.ts`. */
  readonly isDirect: boolean;
  /** Whether bundles for many are compressed for those clients that take them so; see `shared-deflate.ts`. */
  readonly isCompressed: boolean;
  /** Longest rest between two flushes on a busy node, in ms. */
  readonly windowMs: number;
  /** Longest wait of a heartbeat for a message to go with, in ms. */
  readonly heartbeatPatienceMs: number;
  /** Most bytes that may wait for one client. */
  readonly maximumWaitingBytes: number;
  /** Called after each flush: messages times clients, writes in the flush, bytes written since the one before. */
  readonly onFlush?: (flush: { readonly messages: number; readonly writes: number; readonly bytes: number }) => void;
  /** Called for each message that a client does not get because a newer one replaced it. */
  readonly onReplaced?: () => void;
}

/** Where a message goes: to a room and, unless they are in that one as well, to those in `whole`. */
export interface Target {
  readonly room: string;
  readonly whole?: string | undefined;
}

/**
 * Brings messages to the clients of rooms: what comes in a turn of the event loop, or in a short window on a busy node,
 * is encoded once and goes to each client in one write, whatever rooms it comes from. The order within a room is kept,
 * also with what Socket.IO itself sends to the client.
 */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #rooms = new Map<string, Room>();
  /** Rooms with something for the next flush, and those where only heartbeats wait. */
  readonly #pending = new Set<Room>();
  readonly #patient = new Set<Room>();
  #patience: NodeJS.Timeout | undefined;
  /** Messages that wait for the flush and that nobody has, by the name under which they replace each other. */
  readonly #replaceable = new Map<string, Outgoing>();
  readonly #waiting = new WaitingOutboxes();
  readonly #window: FlushWindow;
  readonly #host: OutboxHost;
  #sequence = 0;
  #writtenBytes = 0;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#window = new FlushWindow({ maximumMs: options.windowMs, flush: () => this.#flush() });
    this.#host = {
      isDirect: options.isDirect,
      maximumBytes: options.maximumWaitingBytes,
      onWaiting: (outbox) => this.#waiting.add(outbox),
      onReplaced: () => options.onReplaced?.(),
      onWrite: (bytes) => {
        this.#writtenBytes += bytes;
      },
    };
  }

  /** Clients for which something waits. */
  get waitingClients(): number {
    return this.#waiting.size;
  }

  /** Takes a client in. `onOverflow` is called once if it lets too much wait; nothing is sent to it then. */
  connect(connection: EngineConnection, onOverflow: () => void): Member {
    const isCompressed = this.#options.isCompressed && takesSharedCompression(connection);
    const outbox = new Outbox({ connection, isCompressed, onOverflow, host: this.#host });
    const member = new Member(outbox);
    connection.on("packetCreate", ({ type }: { type: string }) => {
      if (type !== "message") return;
      this.#serve(member);
      outbox.release();
    });
    return member;
  }

  /** Takes a client out of all rooms. */
  disconnect(member: Member): void {
    member.isGone = true;
    for (const room of member.rooms) this.#remove(member, room);
  }

  /**
   * Adds a client to a room: it gets what is sent from now on.
   *
   * @param maximumRate messages a second and `replaces` name at the most; the newest ones then.
   */
  join(member: Member, name: string, maximumRate?: number): void {
    if (member.isGone) return;
    this.leave(member, name);
    const parent = this.#rooms.get(name) ?? new Room(name);
    this.#rooms.set(name, parent);
    const room = maximumRate === undefined ? parent : this.#openLane(parent, maximumRate);
    this.#serve(member);
    member.servedUpTo = this.#sequence;
    // What waits here is behind the new member already: the newer message must be one of its own.
    this.#replaceable.clear();
    room.members.add(member);
    member.rooms.add(room);
  }

  /** Takes a client out of a room; it still gets what was sent before. Returns the rate that it was in with, if any. */
  leave(member: Member, name: string): number | undefined {
    const parent = this.#rooms.get(name);
    const room = parent && [parent, ...parent.lanes.values()].find(({ members }) => members.has(member));
    if (!room) return undefined;
    if (room instanceof Lane) this.#tick(room);
    this.#serve(member);
    this.#remove(member, room);
    return room instanceof Lane ? room.maximumRate : undefined;
  }

  /** Sends a message to everyone in the target's rooms. */
  send({ room, whole }: Target, content: OutgoingOptions): void {
    const target = this.#rooms.get(room);
    const wholeTarget = whole === undefined ? undefined : this.#rooms.get(whole);
    if (!target && !wholeTarget) return;
    // A heartbeat names ids of data that may be queued behind an older one, whose place it must not take.
    const replaces = content.event === "data" ? content.replaces : undefined;
    const waiting = replaces === undefined ? undefined : this.#replaceable.get(replaces);
    if (waiting) {
      waiting.absorb(content);
      this.#options.onReplaced?.();
      return;
    }
    const outgoing = new Outgoing(content, ++this.#sequence);
    if (target && outgoing.isHeartbeat) this.#enqueuePatient(target, outgoing);
    else if (target) {
      target.whole = wholeTarget;
      this.#enqueue(target, outgoing);
    }
    if (wholeTarget) this.#enqueue(wholeTarget, outgoing);
    if (replaces !== undefined) this.#replaceable.set(replaces, outgoing);
  }

  /**
   * Sends messages to one client, after all that its rooms had so far. Returns undefined where it has taken them at
   * once; otherwise the promise resolves once it has, or is gone.
   */
  sendTo(member: Member, contents: readonly OutgoingOptions[]): Promise<void> | undefined {
    this.#serve(member);
    if (contents.length === 0) return undefined;
    const rest = this.#sendPiece(member, contents);
    return rest.length === 0 && member.outbox.isLevel ? undefined : this.#sendPieces(member, rest);
  }

  /** Ends all timers. */
  close(): void {
    this.#waiting.close();
    clearTimeout(this.#patience);
    for (const { lanes } of this.#rooms.values()) for (const { timer } of lanes.values()) clearInterval(timer);
  }

  /** One piece is never too much to wait, and the others have their turn after it. */
  async #sendPieces(member: Member, contents: readonly OutgoingOptions[]): Promise<void> {
    await member.outbox.untilLevel();
    for (let rest = contents; rest.length > 0; ) {
      await nextTurn();
      rest = this.#sendPiece(member, rest);
      await member.outbox.untilLevel();
    }
  }

  /** Returns what is left after it. */
  #sendPiece(member: Member, contents: readonly OutgoingOptions[]): readonly OutgoingOptions[] {
    const parts: Outgoing[] = [];
    let bytes = 0;
    for (const content of contents) {
      if (bytes > PIECE_BYTES) break;
      const part = new Outgoing(content, this.#sequence);
      parts.push(part);
      bytes += part.frame.length;
    }
    member.outbox.send([new Bundle(parts)]);
    return contents.slice(parts.length);
  }

  #enqueue(room: Room, outgoing: Outgoing): void {
    room.queue.push(outgoing);
    this.#patient.delete(room);
    this.#pending.add(room);
    this.#window.schedule();
  }

  /** A heartbeat by itself is a write to everyone; with a message that comes soon it costs nothing. */
  #enqueuePatient(room: Room, heartbeat: Outgoing): void {
    room.queue.push(heartbeat);
    if (this.#pending.has(room)) return;
    this.#patient.add(room);
    this.#patience ??= setTimeout(() => this.#endPatience(), this.#options.heartbeatPatienceMs);
  }

  #endPatience(): void {
    this.#patience = undefined;
    if (this.#patient.size === 0) return;
    for (const room of this.#patient) this.#pending.add(room);
    this.#patient.clear();
    this.#window.schedule();
  }

  /** Everyone in the lane is made level first: the next message then follows what the new member has, too. */
  #openLane(parent: Room, maximumRate: number): Lane {
    const lane = parent.lanes.get(maximumRate) ?? new Lane(parent, maximumRate, (ticking) => this.#tick(ticking));
    parent.lanes.set(maximumRate, lane);
    this.#flush();
    this.#tick(lane);
    this.#flush();
    return lane;
  }

  #tick(lane: Lane): void {
    for (const part of lane.held.take(Number.POSITIVE_INFINITY)) this.#enqueue(lane, part);
  }

  #remove(member: Member, room: Room): void {
    room.members.delete(member);
    member.rooms.delete(room);
    if (!room.isEmpty) return;
    if (room instanceof Lane) {
      clearInterval(room.timer);
      room.parent.lanes.delete(room.maximumRate);
    }
    const parent = room instanceof Lane ? room.parent : room;
    if (parent.isEmpty) this.#rooms.delete(parent.name);
  }

  /** Sends a client at once what waits for the next flush, so that something else can follow. */
  #serve(member: Member): void {
    if (this.#pending.size + this.#patient.size === 0 || member.servedUpTo === this.#sequence) return;
    const waiting = [...member.rooms].flatMap(({ queue }) => queue);
    const parts = new Set(waiting.filter(({ sequence }) => sequence > member.servedUpTo));
    member.servedUpTo = this.#sequence;
    if (parts.size === 0) return;
    // From here on somebody has them.
    this.#replaceable.clear();
    member.outbox.send([new Bundle([...parts].toSorted((a, b) => a.sequence - b.sequence))]);
  }

  #flush(): void {
    const rooms = [...this.#pending];
    this.#pending.clear();
    this.#replaceable.clear();
    const touched: Member[] = [];
    for (const room of rooms) this.#gather(room, touched);
    let messages = 0;
    for (const member of touched) {
      const bundles = member.gathered ?? [];
      member.gathered = undefined;
      member.outbox.send(bundles);
      for (const { parts } of bundles) messages += parts.length;
    }
    this.#options.onFlush?.({ messages, writes: touched.length, bytes: this.#writtenBytes });
    this.#writtenBytes = 0;
  }

  #gather(room: Room, touched: Member[]): void {
    const { queue, members, lanes, whole } = room;
    const [first] = queue;
    if (!first) return;
    room.queue = [];
    const bundle = this.#bundle(room, queue);
    const elsewhere = whole && whole.members.size > 0 ? whole.members : undefined;
    for (const member of members) {
      if (elsewhere?.has(member)) continue;
      const rest = member.servedUpTo < first.sequence ? bundle : bundle.after(member.servedUpTo);
      if (!rest) continue;
      if (member.gathered) member.gathered.push(rest);
      else {
        member.gathered = [rest];
        touched.push(member);
      }
    }
    for (const lane of lanes.values()) this.#hold(lane, queue);
  }

  #bundle(room: Room, queue: readonly Outgoing[]): Bundle {
    if (!this.#options.isCompressed || room.members.size < MINIMUM_SHARERS) return new Bundle(queue);
    const bundle = new Bundle(queue, { history: room.tail });
    room.tail = bundle.tail;
    return bundle;
  }

  #hold(lane: Lane, queue: readonly Outgoing[]): void {
    for (const part of queue) {
      // It names ids that the lane's members may not have yet.
      if (part.isHeartbeat) this.#tick(lane);
      if (part.isHeartbeat) this.#enqueue(lane, part);
      else if (lane.held.add(part)) this.#options.onReplaced?.();
    }
  }
}
