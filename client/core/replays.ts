import type { Channel } from "../../contract/channels.ts";
import { compareIds } from "../../contract/ids.ts";
import { type StreamKey, topicName } from "./topic.ts";

/** How long what was promised may take to come, in ms. What never comes must not hide a reset for good. */
const LIFETIME_MS = 30_000;

/**
 * Keeps which streams of a connection are being delivered again after an answer, and up to which id. A message of such a
 * stream that a receiver does not know is no sign of a reset: somebody asked for it.
 */
export class Replays {
  /** By the name of the stream. */
  readonly #ends = new Map<string, { readonly id: string; readonly expiresAt: number }>();

  expect(channel: Channel, marketId: StreamKey, end: string): void {
    this.#ends.set(topicName({ channel, marketId }), { id: end, expiresAt: Date.now() + LIFETIME_MS });
  }

  /** Whether a message is part of what is delivered again; called with every message of the connection, in their order. */
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
