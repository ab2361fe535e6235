import { payloadOfFrame } from "../socket-io/frames.ts";
import { deflateFrames, LARGE_BYTES } from "../socket-io/shared-deflate.ts";
import type { ClientHistory } from "./client-history.ts";
import type { Outgoing } from "./outgoing.ts";
import { Tail } from "./tail-memory.ts";

/**
 * Compresses the large messages that one client gets with an answer, each without what came before. That takes about as long
 * as encoding them, which is done for each client as well.
 */
export class SnapshotCompression {
  readonly #parts: readonly Outgoing[];

  constructor(parts: readonly Outgoing[]) {
    this.#parts = parts;
  }

  /** Returns the bundle's frames for the client; undefined where all of them are small. */
  framesFor(client: ClientHistory): Buffer | undefined {
    const payloads = this.#parts.map(({ frame }) => payloadOfFrame(frame));
    if (payloads.every(({ length }) => length < LARGE_BYTES)) return undefined;
    const { windowBits } = client;
    const frames = this.#parts.map(({ frame }, index) => {
      const payload = payloads[index];
      return payload && payload.length >= LARGE_BYTES ? deflateFrames([payload], { windowBits }) : frame;
    });
    // Nobody else's messages refer to it. An empty tail shows that it lies between those before it and those to come.
    client.add(new Tail());
    return Buffer.concat(frames);
  }
}
