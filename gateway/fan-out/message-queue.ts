import { DeferredRooms } from "./deferred-rooms.ts";
import { Outgoing, type OutgoingOptions } from "./outgoing.ts";
import type { Room } from "./room.ts";

interface MessageQueueOptions {
  /** Longest wait of a heartbeat for a message to go with, in ms. */
  readonly heartbeatDeferMs: number;
  /** Called when something waits for a flush; it has to follow. */
  readonly onPending: () => void;
  /** Called for each message that a newer one has replaced while it waited. */
  readonly onReplaced: () => void;
}

/** The open rooms that a message goes to. */
export interface OpenRooms {
  /** The name of the message's own room, open or not. */
  readonly name: string;
  readonly room: Room | undefined;
  readonly channelRoom: Room | undefined;
}

/** The messages of all rooms that wait for the next flush: numbers them, merges those that replace each other. */
export class MessageQueue {
  readonly #options: MessageQueueOptions;
  /** Rooms with something for the next flush. */
  readonly #pending = new Set<Room>();
  readonly #deferred: DeferredRooms;
  /** Messages that wait for the flush and that nobody has, by the name under which they replace each other. */
  readonly #replaceable = new Map<string, Outgoing>();
  #sequence = 0;
  #oldestId: string | undefined;

  constructor(options: MessageQueueOptions) {
    this.#options = options;
    this.#deferred = new DeferredRooms({
      deferMs: options.heartbeatDeferMs,
      flushDeferred: (rooms) => {
        for (const room of rooms) this.#pending.add(room);
        options.onPending();
      },
    });
  }

  /** The number of the newest message. */
  get sequence(): number {
    return this.#sequence;
  }

  get isEmpty(): boolean {
    return this.#pending.size + this.#deferred.size === 0;
  }

  /** Queues a message in its rooms, or merges it into one that it replaces. */
  add({ name, room, channelRoom }: OpenRooms, content: OutgoingOptions): void {
    // A heartbeat names ids of data that may be queued behind an older one, whose place it must not take.
    const replaces = content.event === "data" ? content.replaces : undefined;
    const waiting = replaces === undefined ? undefined : this.#replaceable.get(replaces);
    if (waiting) {
      waiting.absorb(content);
      this.#options.onReplaced();
      return;
    }
    if (content.event === "data") this.#oldestId ??= content.message.id;
    const outgoing = new Outgoing(content, ++this.#sequence, name);
    if (content.event === "heartbeat") {
      if (room) this.#deferHeartbeat(room, outgoing, content.message.ids !== undefined);
    } else if (room) {
      room.linkChannelRoom(channelRoom);
      this.#enqueue(room, outgoing);
    }
    if (channelRoom) this.#enqueue(channelRoom, outgoing);
    if (replaces !== undefined) this.#replaceable.set(replaces, outgoing);
  }

  /** Ends merging into the messages that wait: a client has them, or will be taken to have them. */
  seal(): void {
    this.#replaceable.clear();
  }

  /** Takes out the id of the entry that was queued first since the last call. */
  takeOldestId(): string | undefined {
    const id = this.#oldestId;
    this.#oldestId = undefined;
    return id;
  }

  /** Takes out the rooms with something for this flush. */
  takePending(): Room[] {
    const rooms = [...this.#pending];
    this.#pending.clear();
    this.seal();
    return rooms;
  }

  /** Drops what waits for a room that has closed. */
  forget(room: Room): void {
    this.#pending.delete(room);
    this.#deferred.delete(room);
  }

  /** Ends the timer of deferred heartbeats. */
  close(): void {
    this.#deferred.close();
  }

  #enqueue(room: Room, outgoing: Outgoing): void {
    room.enqueue(outgoing);
    this.#deferred.delete(room);
    this.#pending.add(room);
    this.#options.onPending();
  }

  /**
   * A heartbeat alone is a write to every member; with a message that comes soon it costs nothing. Newer data must not
   * take a place before it: the id that it names would be one that the client never gets.
   */
  #deferHeartbeat(room: Room, heartbeat: Outgoing, isOfMany: boolean): void {
    if (isOfMany) this.seal();
    else this.#replaceable.delete(room.name);
    room.enqueue(heartbeat);
    if (!this.#pending.has(room)) this.#deferred.add(room);
  }
}
