import type { Outgoing } from "./outgoing.ts";
import { deflateFrames, tailOf } from "./shared-deflate.ts";

/** Makes a bundle one that is compressed for those who take it so. */
export interface Compression {
  /** The tail of the bundle before this one, which most of its receivers have; undefined where there was none. */
  readonly history: Buffer | undefined;
}

/** Messages that are written to a socket at once. Their bytes are made once for all sockets that get the same ones. */
export class Bundle {
  readonly parts: readonly Outgoing[];
  readonly compression: Compression | undefined;
  #bytes: Buffer | undefined;
  #tail: Buffer | undefined;
  readonly #compressed = new Map<Buffer | undefined, Buffer>();

  constructor(parts: readonly Outgoing[], compression?: Compression) {
    this.parts = parts;
    this.compression = compression;
  }

  /** The messages as WebSocket frames, one after the other. */
  get bytes(): Buffer {
    const [first] = this.parts;
    this.#bytes ??=
      this.parts.length === 1 && first ? first.frame : Buffer.concat(this.parts.map(({ frame }) => frame));
    return this.#bytes;
  }

  /** What its receivers have of it for the next bundle to refer to. */
  get tail(): Buffer {
    this.#tail ??= tailOf(this.parts);
    return this.#tail;
  }

  /** As `bytes`, compressed; `history` is the tail of what a receiver got last, if this bundle may refer to it. */
  compressed(history: Buffer | undefined): Buffer {
    const known = history === this.compression?.history ? history : undefined;
    const bytes = this.#compressed.get(known) ?? deflateFrames(this.parts, known);
    this.#compressed.set(known, bytes);
    return bytes;
  }

  /** What is left of the bundle for one who has all messages up to a sequence. */
  after(sequence: number): Bundle | undefined {
    const parts = this.parts.filter((part) => part.sequence > sequence);
    return parts.length > 0 ? new Bundle(parts) : undefined;
  }
}
