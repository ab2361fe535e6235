import type { EngineConnection } from "../socket-io/engine-connection.ts";
import { sharedWindowBits } from "../socket-io/shared-deflate.ts";
import type { FanOutOptions, Target } from "./fan-out-options.ts";
import { FlushWindow } from "./flush-window.ts";
import { Flusher } from "./flusher.ts";
import { Member } from "./member.ts";
import { Membership } from "./membership.ts";
import { MessageQueue } from "./message-queue.ts";
import { Outbox, type OutboxHost } from "./outbox.ts";
import type { OutgoingOptions } from "./outgoing.ts";
import { sendInPieces } from "./pieces.ts";
import type { RateLane } from "./rate-lane.ts";
import type { Room } from "./room.ts";
import { TailMemory } from "./tail-memory.ts";
import { WaitingOutboxes } from "./waiting-outboxes.ts";

/**
 * Delivers messages to the clients of rooms: what comes in a turn of the event loop, or in a short window on a busy node,
 * is encoded once and goes to each client in one write, whatever rooms it comes from. The order within a room is kept,
 * also with what Socket.IO itself sends to the client.
 */
export class FanOut {
  readonly #options: FanOutOptions;
  readonly #membership: Membership;
  readonly #window: FlushWindow;
  readonly #queue: MessageQueue;
  readonly #flusher: Flusher;
  readonly #tails: TailMemory | undefined;
  readonly #waiting: WaitingOutboxes;
  readonly #host: OutboxHost;

  constructor(options: FanOutOptions) {
    const onReplaced = (): void => options.onReplaced?.();
    this.#window = new FlushWindow({ maximumMs: options.windowMs, flush: () => this.#flusher.flush() });
    this.#options = options;
    this.#tails = options.isCompressed ? new TailMemory(options.compressionMemoryBytes) : undefined;
    this.#queue = new MessageQueue({
      heartbeatDeferMs: options.heartbeatDeferMs,
      onPending: () => this.#window.schedule(),
      onReplaced,
    });
    this.#flusher = new Flusher({
      queue: this.#queue,
      tails: this.#tails,
      onFlushing: () => options.onFlushing?.(),
      onFlush: (flush) => options.onFlush?.(flush),
      onReplaced,
      onError: options.onError,
    });
    this.#membership = new Membership({ onClosed: (room) => this.#queue.forget(room) });
    this.#waiting = new WaitingOutboxes(options.onError);
    this.#host = {
      isDirect: options.isDirect,
      maximumBytes: options.maximumWaitingBytes,
      onWaiting: (outbox) => this.#waiting.add(outbox),
      onReplaced,
      onWrite: (bytes) => this.#flusher.countBytes(bytes),
    };
  }

  /** The number of clients for which something waits. */
  get waitingClients(): number {
    return this.#waiting.size;
  }

  /** The time for which messages are collected after the last flush, in ms. */
  get flushRestMs(): number {
    return this.#window.restMs;
  }

  /** The memory that sent messages take for later ones to refer to, in bytes. */
  get compressionMemoryBytes(): number {
    return this.#tails?.bytes ?? 0;
  }

  /** Adds a client. `onOverflow` is called once if it lets too much wait; nothing is sent to it then. */
  connect(connection: EngineConnection, onOverflow: () => void): Member {
    const windowBits = this.#options.isCompressed ? sharedWindowBits(connection) : 0;
    const outbox = new Outbox({ connection, windowBits, onOverflow, host: this.#host });
    const member = new Member(outbox);
    connection.on("packetCreate", ({ type }: { type: string }) => {
      if (type !== "message") return;
      this.#flusher.flushRoomsOf(member);
      outbox.release();
    });
    return member;
  }

  /** Removes a client from all rooms. It can join none any more. */
  disconnect(member: Member): void {
    member.end();
    this.#membership.removeAll(member);
  }

  /**
   * Adds a client to a room: it gets what is sent from now on.
   *
   * @param maximumRate messages a second and `replaces` name at most; the newest ones then.
   */
  join(member: Member, name: string, maximumRate?: number): void {
    if (member.isGone) return;
    this.leave(member, name);
    this.#flusher.catchUp(member);
    const { sequence } = this.#queue;
    member.markServed(sequence);
    // What waits here is behind the new member already: the newer message must be one of its own.
    this.#queue.seal();
    if (maximumRate === undefined) this.#membership.add(member, name);
    else this.#membership.add(member, name, { maximumRate, sequence, flushLane: this.#flushLane });
  }

  /**
   * Removes a client from a room; it still gets what was sent before. Returns the rate that it was in with; undefined
   * where it got every message or was not in the room.
   */
  leave(member: Member, name: string): number | undefined {
    if (!this.#membership.find(name)?.has(member)) return undefined;
    this.#flusher.catchUp(member);
    return this.#membership.remove(member, name);
  }

  /** Sends a message to everyone in the target's rooms. */
  send({ room: name, channelRoom: channelName }: Target, content: OutgoingOptions): void {
    const room = this.#membership.find(name);
    const channelRoom = channelName === undefined ? undefined : this.#membership.find(channelName);
    if (room || channelRoom) this.#queue.add({ name, room, channelRoom }, content);
  }

  /**
   * Sends messages to one client, after all that its rooms had so far. Returns undefined where it has taken them at
   * once; otherwise the promise resolves once it has, or is gone.
   */
  sendTo(member: Member, contents: readonly OutgoingOptions[]): Promise<void> | undefined {
    const catchUp = (): number => {
      this.#flusher.catchUp(member);
      return this.#queue.sequence;
    };
    return sendInPieces({ outbox: member.outbox, catchUp }, contents);
  }

  /** Ends all timers. */
  close(): void {
    this.#waiting.close();
    this.#queue.close();
    this.#membership.close();
  }

  readonly #flushLane = (room: Room, lane: RateLane<Member>): void => this.#flusher.flushLane(room, lane);
}
