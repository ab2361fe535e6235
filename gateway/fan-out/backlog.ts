import type { Outgoing } from "./outgoing.ts";

/** The messages that wait for a socket that does not take them yet, in order; of those that replace each other the newest. */
export class Backlog {
  /** A place is empty where its message went behind the others. */
  #places: (Outgoing | undefined)[] = [];
  readonly #placeOf = new Map<string, number>();
  /** The place of the last heartbeat: nothing takes a place before it any more. */
  #lastHeartbeat = -1;
  #bytes = 0;

  /** The size of the waiting messages, as frames. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** The waiting messages, in order. */
  get parts(): Outgoing[] {
    return this.#places.filter((part) => part !== undefined);
  }

  /** Adds a message. Returns true where it has replaced another one. */
  add(part: Outgoing): boolean {
    // What follows an answer must not overtake it, and what follows a snapshot must not be older than it.
    if (part.isAnswer) this.#placeOf.clear();
    const place = part.replaces === undefined ? undefined : this.#placeOf.get(part.replaces);
    const older = place === undefined ? undefined : this.#places[place];
    if (place === undefined || !older) {
      this.#append(part);
      return false;
    }
    this.#bytes -= older.frame.length;
    const newer = part.inPlaceOf(older);
    // A heartbeat names ids of data that may have come since the older one: it goes behind them. And data that took a
    // place before a heartbeat would be followed by the id of a message that the client never gets.
    if (newer.isHeartbeat || place < this.#lastHeartbeat) {
      this.#places[place] = undefined;
      this.#append(newer);
    } else {
      this.#places[place] = newer;
      this.#bytes += newer.frame.length;
    }
    return true;
  }

  /** Takes out the oldest messages: as many as it takes to reach the given number of bytes, or all. */
  take(maximumBytes: number): Outgoing[] {
    const taken: Outgoing[] = [];
    let bytes = 0;
    let place = 0;
    for (; place < this.#places.length && bytes < maximumBytes; place += 1) {
      const part = this.#places[place];
      if (!part) continue;
      taken.push(part);
      bytes += part.frame.length;
    }
    this.#bytes -= bytes;
    const rest = this.#places.slice(place);
    const canReplace = new Set(this.#placeOf.values());
    this.#places = [];
    this.#placeOf.clear();
    this.#lastHeartbeat = -1;
    for (const [index, part] of rest.entries()) if (part) this.#place(part, canReplace.has(place + index));
    return taken;
  }

  #append(part: Outgoing): void {
    this.#place(part, true);
    this.#bytes += part.frame.length;
  }

  #place(part: Outgoing, canReplace: boolean): void {
    if (part.replaces !== undefined && canReplace) this.#placeOf.set(part.replaces, this.#places.length);
    if (part.isHeartbeat) this.#lastHeartbeat = this.#places.length;
    this.#places.push(part);
  }
}
