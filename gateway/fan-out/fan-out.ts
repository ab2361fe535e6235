import type { EngineConnection } from "../socket-io/engine-connection.ts";
import { takesSharedCompression } from "../socket-io/shared-deflate.ts";
import { Bundle, bundleFor } from "./bundle.ts";
import type { FanOutOptions, Target } from "./fan-out-options.ts";
import { FlushWindow } from "./flush-window.ts";
import { Outbox, type OutboxHost } from "./outbox.ts";
import { Outgoing, type OutgoingOptions } from "./outgoing.ts";
import { partsByLane } from "./paths.ts";
import { PatientRooms } from "./patient-rooms.ts";
import { sendInPieces } from "./pieces.ts";
import type { Lane } from "./rate-lane.ts";
import { Member, Room } from "./room.ts";
import { WaitingOutboxes } from "./waiting-outboxes.ts";

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
  readonly #patient: PatientRooms;
  /** Messages that wait for the flush and that nobody has, by the name under which they replace each other. */
  readonly #replaceable = new Map<string, Outgoing>();
  readonly #waiting = new WaitingOutboxes();
  readonly #window: FlushWindow;
  readonly #host: OutboxHost;
  #sequence = 0;
  #writtenBytes = 0;

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.#patient = new PatientRooms(options.heartbeatPatienceMs, (rooms) => this.#schedule(rooms));
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
    for (const { room } of member.lanes) this.#remove(member, room);
  }

  /**
   * Adds a client to a room: it gets what is sent from now on.
   *
   * @param maximumRate messages a second and `replaces` name at the most; the newest ones then.
   */
  join(member: Member, name: string, maximumRate?: number): void {
    if (member.isGone) return;
    this.leave(member, name);
    const room = this.#rooms.get(name) ?? new Room(name);
    this.#rooms.set(name, room);
    this.#makeLevel(member);
    member.servedUpTo = this.#sequence;
    // What waits here is behind the new member already: the newer message must be one of its own.
    this.#replaceable.clear();
    if (maximumRate === undefined) room.add(member);
    else room.addAtRate(member, { maximumRate, sequence: this.#sequence, onTick: (lane) => this.#tick(lane) });
  }

  /** Takes a client out of a room; it still gets what was sent before. Returns the rate that it was in with, if any. */
  leave(member: Member, name: string): number | undefined {
    const room = this.#rooms.get(name);
    if (!room?.has(member)) return undefined;
    this.#makeLevel(member);
    return this.#remove(member, room);
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
    const outgoing = new Outgoing(content, ++this.#sequence, room);
    if (content.event === "heartbeat") this.#enqueueHeartbeat(room, outgoing, content.message.ids !== undefined);
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
    const makeLevel = (): number => {
      this.#makeLevel(member);
      return this.#sequence;
    };
    return sendInPieces({ outbox: member.outbox, makeLevel }, contents);
  }

  /** Ends all timers. */
  close(): void {
    this.#waiting.close();
    this.#patient.close();
    for (const { lanes } of this.#rooms.values()) for (const lane of lanes.values()) lane.close();
  }

  #enqueue(room: Room, outgoing: Outgoing): void {
    room.queue.push(outgoing);
    this.#patient.delete(room);
    this.#schedule([room]);
  }

  /**
   * A heartbeat by itself is a write to everyone; with a message that comes soon it costs nothing. Newer data must not
   * take a place before it: the id that it names would be one that the client never gets.
   */
  #enqueueHeartbeat(name: string, heartbeat: Outgoing, isOfMany: boolean): void {
    const room = this.#rooms.get(name);
    if (!room) return;
    if (isOfMany) this.#replaceable.clear();
    else this.#replaceable.delete(name);
    room.queue.push(heartbeat);
    if (!this.#pending.has(room)) this.#patient.add(room);
  }

  #schedule(rooms: Iterable<Room>): void {
    for (const room of rooms) this.#pending.add(room);
    this.#window.schedule();
  }

  /** Writes at once: the lane's own time is what messages have waited for. */
  #tick(lane: Lane): void {
    const parts = lane.take();
    const shared = bundleFor(lane, parts, this.#options.isCompressed);
    let messages = 0;
    let writes = 0;
    const write = (member: Member, held: readonly Outgoing[]): void => {
      const own = partsByLane(lane, member, held);
      if (own.length === 0) return;
      member.outbox.send([own === parts ? shared : new Bundle(own)]);
      messages += own.length;
      writes += 1;
    };
    if (parts.length > 0) for (const member of lane.members) write(member, parts);
    for (const newcomer of lane.takeNewcomers()) write(newcomer.member, newcomer.parts);
    if (writes > 0) this.#reportFlush(messages, writes);
  }

  #remove(member: Member, room: Room): number | undefined {
    const rate = room.remove(member);
    if (room.isEmpty) this.#rooms.delete(room.name);
    return rate;
  }

  /** Sends a client at once all that its rooms have for it, also what a lane holds for later. */
  #makeLevel(member: Member): void {
    this.#serve(member);
    // What waits for the flush must not become newer: the member would be taken to have that too.
    if (member.lanes.size > 0) this.#replaceable.clear();
    for (const lane of member.lanes) {
      const parts = partsByLane(lane, member, lane.pendingOf(member));
      lane.restart(member, this.#sequence);
      if (parts.length > 0) member.outbox.send([new Bundle(parts)]);
    }
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
    this.#reportFlush(messages, touched.length);
  }

  #reportFlush(messages: number, writes: number): void {
    this.#options.onFlush?.({ messages, writes, bytes: this.#writtenBytes });
    this.#writtenBytes = 0;
  }

  #gather(room: Room, touched: Member[]): void {
    const { queue, members, lanes, whole } = room;
    const [first] = queue;
    if (!first) return;
    room.queue = [];
    const bundle = bundleFor(room, queue, this.#options.isCompressed);
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

  #hold(lane: Lane, queue: readonly Outgoing[]): void {
    for (let replaced = lane.hold(queue); replaced > 0; replaced -= 1) this.#options.onReplaced?.();
  }
}
