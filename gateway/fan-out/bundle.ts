import type { Outgoing } from "./outgoing.ts";

/** Messages that are written to a socket at once. Their bytes are made once for all sockets that get the same ones. */
export class Bundle {
  readonly parts: readonly Outgoing[];
  #bytes: Buffer | undefined;

  constructor(parts: readonly Outgoing[]) {
    this.parts = parts;
  }

  /** The messages as WebSocket frames, one after the other. */
  get bytes(): Buffer {
    const [first] = this.parts;
    this.#bytes ??=
      this.parts.length === 1 && first ? first.frame : Buffer.concat(this.parts.map(({ frame }) => frame));
    return this.#bytes;
  }

  /** What is left of the bundle for one who has all messages up to a sequence. */
  after(sequence: number): Bundle | undefined {
    const parts = this.parts.filter((part) => part.sequence > sequence);
    return parts.length > 0 ? new Bundle(parts) : undefined;
  }
}
