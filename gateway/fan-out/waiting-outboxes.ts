import { hasWaitingPackets } from "../socket-io/engine-connection.ts";
import type { Outbox } from "./outbox.ts";

/** How often, in ms, clients that did not take everything are tried again: a kernel's send buffer empties unseen. */
const RETRY_MS = 5;

/** The outboxes in which something waits. */
export class WaitingOutboxes {
  readonly #outboxes = new Set<Outbox>();
  #timer: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#outboxes.size;
  }

  add(outbox: Outbox): void {
    this.#outboxes.add(outbox);
    // Where only Socket.IO's own packets are in the way, that is over in this very turn.
    if (hasWaitingPackets(outbox.connection)) outbox.connection.once("drain", () => this.#resume(outbox));
    this.#timer ??= setInterval(() => this.#resumeAll(), RETRY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#outboxes.clear();
  }

  #resume(outbox: Outbox): void {
    if (this.#outboxes.has(outbox) && outbox.resume()) this.#outboxes.delete(outbox);
  }

  #resumeAll(): void {
    for (const outbox of this.#outboxes) this.#resume(outbox);
    if (this.#outboxes.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
