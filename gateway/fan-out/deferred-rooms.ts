import type { Room } from "./room.ts";

interface DeferredRoomsOptions {
  /** Longest wait, in ms. */
  readonly deferMs: number;
  /** Called with the rooms that have waited long enough. */
  readonly flushDeferred: (rooms: Iterable<Room>) => void;
}

/** The rooms in which only heartbeats wait, a limited time, for a message that they can go with. */
export class DeferredRooms {
  readonly #options: DeferredRoomsOptions;
  readonly #rooms = new Set<Room>();
  #deferTimer: NodeJS.Timeout | undefined;

  constructor(options: DeferredRoomsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#rooms.size;
  }

  add(room: Room): void {
    this.#rooms.add(room);
    this.#deferTimer ??= setTimeout(() => this.#flushDeferred(), this.#options.deferMs);
  }

  delete(room: Room): void {
    if (this.#rooms.delete(room) && this.#rooms.size === 0) this.close();
  }

  close(): void {
    clearTimeout(this.#deferTimer);
    this.#deferTimer = undefined;
  }

  #flushDeferred(): void {
    this.#deferTimer = undefined;
    const rooms = [...this.#rooms];
    this.#rooms.clear();
    this.#options.flushDeferred(rooms);
  }
}
