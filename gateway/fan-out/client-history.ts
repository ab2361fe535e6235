import { MAXIMUM_WINDOW_BYTES } from "../socket-io/shared-deflate.ts";
import type { Tail } from "./tail-memory.ts";

/** Most tails that are remembered of one client. */
const MAXIMUM_TAILS = 16;

/** What one client's decompressor holds: the last bundles that it got compressed, as far back as a window reaches. */
export class ClientHistory {
  /** The client's window, in bits. */
  readonly windowBits: number;
  readonly #tails: Tail[] = [];
  #bytes = 0;

  constructor(windowBits: number) {
    this.windowBits = windowBits;
  }

  /** Returns what the client got from a bundle on; nothing where that is too long ago, or was dropped from memory. */
  since(tail: Tail | undefined): readonly Tail[] {
    const index = tail === undefined ? -1 : this.#tails.lastIndexOf(tail);
    if (index === -1) return [];
    const since = this.#tails.slice(index);
    return since.every(({ bytes }) => bytes !== undefined) ? since : [];
  }

  /** Records a bundle that the client has got compressed. */
  add(tail: Tail): void {
    this.#tails.push(tail);
    this.#bytes += tail.length;
    for (let first = this.#tails[0]; first && this.#isPast(first); first = this.#tails[0]) {
      this.#tails.shift();
      this.#bytes -= first.length;
    }
  }

  #isPast(first: Tail): boolean {
    return this.#tails.length > MAXIMUM_TAILS || this.#bytes - first.length >= MAXIMUM_WINDOW_BYTES;
  }
}
