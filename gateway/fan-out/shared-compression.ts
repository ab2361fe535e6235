import { payloadOfFrame } from "../socket-io/frames.ts";
import { deflateFrames } from "../socket-io/shared-deflate.ts";
import type { BundleCompression } from "./bundle.ts";
import type { ClientHistory } from "./client-history.ts";
import type { Outgoing } from "./outgoing.ts";
import { Tail, type TailMemory } from "./tail-memory.ts";

/**
 * Uncompressed bytes, to all clients that share them, from which on compressing a message pays: 5 µs and more that it
 * takes against 16 writes of a small message, or one of a large one.
 */
const PAYING_BYTES = 4_096;

/** What compressing reads, history and messages, as a share that is added to that: 1 KB takes 1 to 3 µs. */
const READ_SHARE = 0.25;

/** The clients of a bundle that take it compressed, and the memory of what they got before. */
export interface Sharing {
  readonly sharers: number;
  readonly memory: TailMemory;
}

interface SharedCompressionOptions extends Sharing {
  readonly parts: readonly Outgoing[];
  /** The tail of the bundle before this one. */
  readonly previous: Tail | undefined;
}

/**
 * Compresses the messages of one bundle, once for all clients that got the same bundles since the one before it. Clients
 * whose other rooms had different messages in between share what they have in common with others like them, as long as
 * the bytes that are saved pay for compressing once more.
 */
export class SharedCompression implements BundleCompression {
  /** Where the next bundle refers to. */
  readonly tail = new Tail();
  readonly #options: SharedCompressionOptions;
  readonly #payloads: readonly Buffer[];
  readonly #bytes: number;
  readonly #variants = new Map<string, Buffer>();
  /** Bytes that may yet be spent on variants, at what each must save. */
  #budget: number;

  constructor(options: SharedCompressionOptions) {
    this.#options = options;
    this.#payloads = options.parts.map(({ frame }) => payloadOfFrame(frame));
    this.#bytes = this.#payloads.reduce((sum, { length }) => sum + length, 0);
    this.#budget = options.sharers * this.#bytes;
  }

  /** True where at least one variant pays. */
  get pays(): boolean {
    return this.#budget >= this.#costOf(0);
  }

  /** Returns the bundle's frames for a client, and records that it has got them; undefined where it gets plain ones. */
  framesFor(client: ClientHistory): Buffer | undefined {
    const { previous, memory } = this.#options;
    const frames = this.#variant(client, client.since(previous)) ?? this.#variant(client, []);
    if (!frames) return undefined;
    if (this.tail.length === 0) memory.hold(this.tail, this.#payloads);
    client.add(this.tail);
    return frames;
  }

  #variant({ windowBits }: ClientHistory, since: readonly Tail[]): Buffer | undefined {
    const key = `${windowBits}:${since.map(({ id }) => id).join()}`;
    return this.#variants.get(key) ?? this.#deflate(key, windowBits, since);
  }

  #deflate(key: string, windowBits: number, since: readonly Tail[]): Buffer | undefined {
    const cost = this.#costOf(since.reduce((sum, { length }) => sum + length, 0));
    if (cost > this.#budget) return undefined;
    this.#budget -= cost;
    const history = Buffer.concat(since.map(({ bytes }) => bytes).filter((bytes) => bytes !== undefined));
    const frames = deflateFrames(this.#payloads, { history, windowBits });
    this.#variants.set(key, frames);
    return frames;
  }

  #costOf(historyBytes: number): number {
    return this.#payloads.length * PAYING_BYTES + READ_SHARE * (historyBytes + this.#bytes);
  }
}

/** Compresses the bundles of one room or lane, where it pays; each refers to the one before it. */
export class CompressionSequence {
  #tail: Tail | undefined;

  /** Returns the compression of the next bundle; undefined for one that goes out plain. */
  next(parts: readonly Outgoing[], sharing: Sharing | undefined): SharedCompression | undefined {
    if (!sharing || sharing.sharers === 0) return undefined;
    const compression = new SharedCompression({ ...sharing, parts, previous: this.#tail });
    if (!compression.pays) return undefined;
    this.#tail = compression.tail;
    return compression;
  }
}
