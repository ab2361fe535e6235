import type { Gap, Message } from "../../../client/index.ts";
import { compareIds } from "../../../contract/ids.ts";

/** Relation of a message to the one before it in its stream. */
export type Order = "follows" | "hole" | "double";

/** Follows the streams of one subscription by `id` and `prev`. */
export class StreamWatch {
  readonly #isOrdered: boolean;
  readonly #lastIds = new Map<string, string>();
  /** Streams of which the service has said that something is lost, before the next message. */
  readonly #declared = new Set<string>();

  /** @param isOrdered whether every message counts; where values may be skipped, only their order does. */
  constructor(isOrdered: boolean) {
    this.#isOrdered = isOrdered;
  }

  /** Takes note of a gap that was declared: what comes next in that stream follows from anywhere. */
  declare({ marketId = "" }: Gap): void {
    this.#declared.add(marketId);
  }

  /** Takes a message, and says how it stands to the one before. */
  take({ marketId = "", id, prev }: Message): Order {
    const last = this.#lastIds.get(marketId);
    const isDeclared = this.#declared.delete(marketId);
    this.#lastIds.set(marketId, id);
    if (last === undefined || isDeclared) return "follows";
    if (compareIds(id, last) <= 0) return "double";
    return this.#isOrdered && prev !== last ? "hole" : "follows";
  }
}
