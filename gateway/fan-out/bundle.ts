import type { ClientHistory } from "./client-history.ts";
import type { Outgoing } from "./outgoing.ts";

/** Compresses the messages of a bundle. */
export interface BundleCompression {
  /** Returns the bundle's frames for a client, and records that it has got them; undefined where it gets plain ones. */
  framesFor(client: ClientHistory): Buffer | undefined;
}

/** Messages that are written to a socket at once. Their bytes are encoded once for all sockets that get the same ones. */
export class Bundle {
  readonly parts: readonly Outgoing[];
  readonly #compression: BundleCompression | undefined;
  #bytes: Buffer | undefined;

  constructor(parts: readonly Outgoing[], compression?: BundleCompression) {
    this.parts = parts;
    this.#compression = compression;
  }

  /** The messages as WebSocket frames, one after the other. */
  get bytes(): Buffer {
    const [first] = this.parts;
    this.#bytes ??=
      this.parts.length === 1 && first ? first.frame : Buffer.concat(this.parts.map(({ frame }) => frame));
    return this.#bytes;
  }

  /** Returns the messages as frames for a client, compressed where it takes them so. Call it for what is written only. */
  bytesFor(history: ClientHistory | undefined): Buffer {
    return (history && this.#compression?.framesFor(history)) ?? this.bytes;
  }

  /** Returns the bundle for a client that has all messages up to a sequence; undefined where nothing is left. */
  after(sequence: number): Bundle | undefined {
    const first = this.parts[0];
    if (first !== undefined && first.sequence > sequence) return this;
    const parts = this.parts.filter((part) => part.sequence > sequence);
    return parts.length > 0 ? new Bundle(parts) : undefined;
  }
}
