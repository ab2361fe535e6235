import type { Outgoing } from "./outgoing.ts";

/** What waits for a socket that does not take it yet, in order; of what replaces each other only the newest. */
export class Backlog {
  /** A place is empty where its message went behind the others. */
  #places: (Outgoing | undefined)[] = [];
  readonly #placeOf = new Map<string, number>();
  #bytes = 0;

  /** Of the waiting messages, as frames. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** Returns whether another message went for it. */
  add(part: Outgoing): boolean {
    const place = part.replaces === undefined ? undefined : this.#placeOf.get(part.replaces);
    const older = place === undefined ? undefined : this.#places[place];
    if (place === undefined || !older) {
      this.#append(part);
      return false;
    }
    this.#bytes -= older.frame.length;
    const newer = part.inPlaceOf(older);
    // A heartbeat names ids of data that may have come since the older one: it goes behind them.
    if (newer.isHeartbeat) {
      this.#places[place] = undefined;
      this.#append(newer);
    } else {
      this.#places[place] = newer;
      this.#bytes += newer.frame.length;
    }
    return true;
  }

  /** Takes out the oldest messages: as many as it takes to have so many bytes, or all. */
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
    this.#places = [];
    this.#placeOf.clear();
    for (const part of rest) if (part) this.#place(part);
    return taken;
  }

  #append(part: Outgoing): void {
    this.#place(part);
    this.#bytes += part.frame.length;
  }

  #place(part: Outgoing): void {
    if (part.replaces !== undefined) this.#placeOf.set(part.replaces, this.#places.length);
    this.#places.push(part);
  }
}
