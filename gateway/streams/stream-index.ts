import type { Channel } from "../../contract/channels.ts";
import { activeSince } from "../../kernel/protocol/active-streams.ts";
import type { StreamReader } from "../../kernel/streams/stream-reader.ts";
import type { RedisClock } from "../redis/redis-clock.ts";

/** Overlap of two reads of the index, in ms: more than a read may take. */
const OVERLAP_MS = 10_000;

/**
 * The index of the streams of keyed channels in Redis, read by Redis's clock alone: an id may be forged, and the clock of
 * this process may be wrong.
 */
export class StreamIndex {
  readonly #reader: Pick<StreamReader, "activeKeys">;
  readonly #clock: Pick<RedisClock, "earliest">;
  /** Until when the index of a channel has been read. */
  readonly #readUntil = new Map<Channel, number>();

  constructor(reader: Pick<StreamReader, "activeKeys">, clock: Pick<RedisClock, "earliest">) {
    this.#reader = reader;
    this.#clock = clock;
  }

  /** Resolves with the keys of all streams that Redis may hold. Rejects if Redis cannot be read. */
  heldKeys(channel: Channel): Promise<string[]> {
    return this.#read(channel, this.expiry(channel));
  }

  /**
   * Resolves with the keys of the streams that had an entry since the last read, which may overlap with what that read
   * returned. Rejects if Redis cannot be read.
   */
  newKeys(channel: Channel): Promise<string[]> {
    const since = Math.min(this.#clock.earliest ?? 0, this.#readUntil.get(channel) ?? 0) - OVERLAP_MS;
    return this.#read(channel, Math.max(0, since));
  }

  /** Returns the time, by Redis's clock, before which the last entry of a stream that Redis no longer holds lies. */
  expiry(channel: Channel): number {
    return Math.max(0, activeSince(channel, this.#clock.earliest ?? 0) - OVERLAP_MS);
  }

  async #read(channel: Channel, since: number): Promise<string[]> {
    const now = this.#clock.earliest;
    const keys = await this.#reader.activeKeys(channel, since);
    if (now !== undefined) this.#readUntil.set(channel, now);
    return keys;
  }
}
