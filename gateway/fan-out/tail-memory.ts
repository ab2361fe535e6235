import { MAXIMUM_WINDOW_BYTES } from "../socket-io/shared-deflate.ts";

/** Memory that a tail takes beside its bytes: an array buffer of its own and two objects. */
const OVERHEAD_BYTES = 256;

let tails = 0;

/** The end of a compressed bundle's payloads, which later bundles may refer to. */
export class Tail {
  readonly id: number;
  #bytes: Buffer | undefined;
  #length = 0;

  constructor() {
    tails += 1;
    this.id = tails;
  }

  /** Undefined until a client gets the bundle compressed, and once the memory has no room for it any more. */
  get bytes(): Buffer | undefined {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Keeps the last bytes of payloads, up to a window. Their own buffers may be slices of larger ones, and are not kept. */
  fill(payloads: readonly Buffer[]): void {
    const total = payloads.reduce((sum, { length }) => sum + length, 0);
    this.#length = Math.min(total, MAXIMUM_WINDOW_BYTES);
    this.#bytes = Buffer.allocUnsafeSlow(this.#length);
    let end = this.#length;
    for (const payload of payloads.toReversed()) {
      if (end <= 0) break;
      const part = payload.subarray(-end);
      end -= part.copy(this.#bytes, end - part.length);
    }
  }

  drop(): void {
    this.#bytes = undefined;
  }
}

/** Holds the tails of a node's compressed bundles, the newest ones up to a number of bytes over all rooms. */
export class TailMemory {
  readonly #maximumBytes: number;
  readonly #tails = new Set<Tail>();
  #bytes = 0;

  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes;
  }

  /** The memory that is taken, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Fills a tail and holds it, in place of the oldest ones if need be. */
  hold(tail: Tail, payloads: readonly Buffer[]): void {
    tail.fill(payloads);
    this.#tails.add(tail);
    this.#bytes += tail.length + OVERHEAD_BYTES;
    for (const oldest of this.#tails) {
      if (this.#bytes <= this.#maximumBytes) break;
      oldest.drop();
      this.#tails.delete(oldest);
      this.#bytes -= oldest.length + OVERHEAD_BYTES;
    }
  }
}
