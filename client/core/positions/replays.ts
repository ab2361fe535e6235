import type { Channel } from "../../../contract/channels.ts";
import { compareIds } from "../../../contract/ids.ts";
import { type StreamKey, topicName } from "../topics/topic.ts";
import type { StreamPosition } from "./stream-position.ts";

/** Time limit of a replay, in ms. One that never completes must not hide a later reset of the stream. */
const LIFETIME_MS = 30_000;

/**
 * Tracks the streams that the service replays on one connection after a reply, and up to which id. An unknown message of
 * such a stream does not mean that the stream was reset: a subscriber requested it.
 */
export class Replays {
  /** By the name of the stream. */
  readonly #ends = new Map<string, { readonly id: string; readonly expiresAt: number }>();

  /** Expects a stream to be replayed up to a position. */
  expect(channel: Channel, { key, id }: StreamPosition): void {
    this.#ends.set(topicName({ channel, marketId: key }), { id, expiresAt: Date.now() + LIFETIME_MS });
  }

  /** Returns whether a message belongs to a replay. Call it with every message of the connection, in order. */
  covers(message: { readonly channel: Channel; readonly marketId?: StreamKey; readonly id: string }): boolean {
    if (this.#ends.size === 0) return false;
    const name = topicName(message);
    const end = this.#ends.get(name);
    if (end === undefined) return false;
    const isExpired = Date.now() > end.expiresAt;
    if (isExpired || compareIds(message.id, end.id) >= 0) this.#ends.delete(name);
    return !isExpired;
  }
}
