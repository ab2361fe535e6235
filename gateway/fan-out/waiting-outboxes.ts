import { hasWaitingPackets } from "../socket-io/engine-connection.ts";
import type { Outbox } from "./outbox.ts";

/** Time between two attempts to send what waits, in ms: no event tells that a kernel's send buffer has room again. */
const RETRY_MS = 5;

/** The outboxes in which something waits; sends it as soon as their clients take it. */
export class WaitingOutboxes {
  readonly #outboxes = new Set<Outbox>();
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onError` is called with what the write to one client has thrown; it is not tried again on its own. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

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
    if (!this.#outboxes.has(outbox)) return;
    try {
      if (outbox.resume()) this.#outboxes.delete(outbox);
    } catch (error) {
      this.#outboxes.delete(outbox);
      this.#onError(error);
    }
  }

  #resumeAll(): void {
    for (const outbox of this.#outboxes) this.#resume(outbox);
    if (this.#outboxes.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
