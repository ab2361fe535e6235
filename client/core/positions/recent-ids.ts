/** Remembers the most recent ids, to tell a repeated message from a stream that was reset. */
export class RecentIds {
  readonly #capacity: number;
  readonly #ids: string[] = [];
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds an id in place of the oldest one once the capacity is reached. */
  add(id: string): void {
    if (this.#ids.length < this.#capacity) this.#ids.push(id);
    else {
      this.#ids[this.#oldest] = id;
      this.#oldest = (this.#oldest + 1) % this.#capacity;
    }
  }

  has(id: string): boolean {
    return this.#ids.includes(id);
  }
}
