import type { Gap, Message } from "../../client/core/types.ts";

/** A message that does not continue from the one before it, though nothing was reported as lost. */
export interface BrokenChain {
  readonly message: Message;
  /** The id that `prev` should have been. */
  readonly expected: string;
}

export interface ChainReport {
  readonly messages: number;
  readonly streams: number;
  /** Links that were compared: every message but the first of each stream. */
  readonly links: number;
  readonly broken: number;
  /** Gaps that the service or the client reported: messages that are lost for good. */
  readonly gaps: number;
}

const streamOf = ({ channel, marketId }: Pick<Message, "channel" | "marketId">): string =>
  `${channel} ${marketId ?? ""}`;

/**
 * Proves that messages follow each other without a hole: the `prev` of each is the `id` of the one before it in its stream.
 * Independent of the client's own repairs.
 */
export class Chain {
  readonly #lastIds = new Map<string, string>();
  #messages = 0;
  #links = 0;
  #broken = 0;
  #gaps = 0;

  /** Takes the next message. Returns what is wrong with it. */
  take(message: Message): BrokenChain | undefined {
    const stream = streamOf(message);
    const expected = this.#lastIds.get(stream);
    this.#lastIds.set(stream, message.id);
    this.#messages += 1;
    if (expected === undefined) return undefined;
    this.#links += 1;
    if (message.prev === expected) return undefined;
    this.#broken += 1;
    return { message, expected };
  }

  /** Takes the report of a gap: the next message of its stream starts a new chain. */
  reportGap(gap: Gap): void {
    this.#gaps += 1;
    this.#lastIds.delete(streamOf(gap));
  }

  get report(): ChainReport {
    const { size } = this.#lastIds;
    return { messages: this.#messages, streams: size, links: this.#links, broken: this.#broken, gaps: this.#gaps };
  }
}
