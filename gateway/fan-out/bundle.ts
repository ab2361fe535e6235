import { deflateFrames, tailOf } from "../socket-io/shared-deflate.ts";
import type { Outgoing } from "./outgoing.ts";

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

/** Clients from which on compressing once for all of them costs little beside the writes: some 30 µs a message. */
const MINIMUM_SHARERS = 50;

/** Those who get the same bundles. */
interface Receivers {
  readonly members: { readonly size: number };
  /** The tail of the last bundle, where bundles are compressed. */
  tail: Buffer | undefined;
}

/** Makes the next bundle for all members of a room or lane. */
export function bundleFor(receivers: Receivers, parts: readonly Outgoing[], isCompressed: boolean): Bundle {
  if (!isCompressed || receivers.members.size < MINIMUM_SHARERS) return new Bundle(parts);
  const bundle = new Bundle(parts, { history: receivers.tail });
  receivers.tail = bundle.tail;
  return bundle;
}
