import type { Room } from "./room.ts";

/** The rooms in which only heartbeats wait, for a message that they can go with, but not for long. */
export class PatientRooms {
  readonly #patienceMs: number;
  readonly #onEnd: (rooms: Iterable<Room>) => void;
  readonly #rooms = new Set<Room>();
  #timer: NodeJS.Timeout | undefined;

  constructor(patienceMs: number, onEnd: (rooms: Iterable<Room>) => void) {
    this.#patienceMs = patienceMs;
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#rooms.size;
  }

  add(room: Room): void {
    this.#rooms.add(room);
    this.#timer ??= setTimeout(() => this.#end(), this.#patienceMs);
  }

  delete(room: Room): void {
    this.#rooms.delete(room);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #end(): void {
    this.#timer = undefined;
    if (this.#rooms.size === 0) return;
    this.#onEnd(this.#rooms);
    this.#rooms.clear();
  }
}
