/** The reasons for which a stream is read. */
type ReadReason = "load" | "repair" | "history";

/**
 * Runs the reads of one stream one after the other. Calls with the same reason share the read that is queued or running.
 */
export class ReadQueue {
  readonly #onIdle: () => void;
  /** The last read of the queue. */
  #last: Promise<void> | undefined;
  readonly #shared = new Map<ReadReason, Promise<void>>();

  /** @param onIdle called after each read that no other one follows, whether it succeeded or not. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** The last read of the queue; undefined while nothing is being read. */
  get last(): Promise<void> | undefined {
    return this.#last;
  }

  /** Resolves once `read` has run after the reads before it, and rejects with its error. */
  run(reason: ReadReason, read: () => Promise<void>): Promise<void> {
    const shared = this.#shared.get(reason);
    if (shared) return shared;
    const previous = this.#last ?? Promise.resolve();
    const reading = previous
      .catch(() => undefined)
      .then(read)
      .finally(() => {
        this.#shared.delete(reason);
        if (this.#last !== reading) return;
        this.#last = undefined;
        this.#onIdle();
      });
    this.#last = reading;
    this.#shared.set(reason, reading);
    return reading;
  }
}
