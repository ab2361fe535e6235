import { deflateFrames, tailOf } from "../socket-io/shared-deflate.ts";
import type { Outgoing } from "./outgoing.ts";

/** Marks a bundle that is compressed for the clients that take it so. */
export interface Compression {
  /** The tail of the bundle before this one, which most of its receivers have; undefined where there was none. */
  readonly history: Buffer | undefined;
}

/** Messages that are written to a socket at once. Their bytes are encoded once for all sockets that get the same ones. */
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

  /** The end of its messages, which the next compressed bundle may refer to. */
  get tail(): Buffer {
    this.#tail ??= tailOf(this.parts);
    return this.#tail;
  }

  /** Returns `bytes` compressed; `history` is the tail of what a receiver got last, if this bundle may refer to it. */
  compressed(history: Buffer | undefined): Buffer {
    const known = history === this.compression?.history ? history : undefined;
    const bytes = this.#compressed.get(known) ?? deflateFrames(this.parts, known);
    this.#compressed.set(known, bytes);
    return bytes;
  }

  /** Returns the bundle for a client that has all messages up to a sequence; undefined where nothing is left. */
  after(sequence: number): Bundle | undefined {
    const first = this.parts[0];
    if (first !== undefined && first.sequence > sequence) return this;
    const parts = this.parts.filter((part) => part.sequence > sequence);
    return parts.length > 0 ? new Bundle(parts) : undefined;
  }
}

/** Clients from which on compressing once for all of them costs little beside the writes: some 30 µs a message. */
const MINIMUM_SHARERS = 50;

interface BundleOptions {
  /** Clients that get the bundle. */
  readonly receivers: number;
  readonly isCompressed: boolean;
}

/** Makes the bundles of one room or lane; where they are compressed, each refers to the one before it. */
export class BundleSequence {
  #tail: Buffer | undefined;

  /** Returns the next bundle. It is plain for few receivers. */
  next(parts: readonly Outgoing[], { receivers, isCompressed }: BundleOptions): Bundle {
    if (!isCompressed || receivers < MINIMUM_SHARERS) return new Bundle(parts);
    const bundle = new Bundle(parts, { history: this.#tail });
    this.#tail = bundle.tail;
    return bundle;
  }
}
