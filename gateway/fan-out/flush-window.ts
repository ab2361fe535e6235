/**
 * Rest after a flush, as a multiple of the time that the flush took. With 3 a quarter of the time at most goes into
 * writing, as long as the bound on the rest allows it; a flush to few sockets is over at once and makes no one wait.
 */
const REST = 3;

interface FlushWindowOptions {
  /** Longest rest after a flush, in ms. With 0 only what comes in one turn of the event loop goes together. */
  readonly maximumMs: number;
  readonly flush: () => void;
}

/**
 * Decides when to flush: at the end of the turn in which the first message came or, shortly after a long flush, once the
 * rest after it is over. So a message on a quiet node leaves at once, and on a busy one messages gather, which makes each
 * of them cheaper.
 */
export class FlushWindow {
  readonly #options: FlushWindowOptions;
  #nextAt = 0;
  #isScheduled = false;
  #restMs = 0;

  constructor(options: FlushWindowOptions) {
    this.#options = options;
  }

  /** The rest after the last flush, in ms. */
  get restMs(): number {
    return this.#restMs;
  }

  /** Schedules a flush, unless one is scheduled already. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const rest = this.#nextAt - performance.now();
    // Timers have a resolution of a millisecond.
    if (rest < 0.5) setImmediate(this.#run);
    else setTimeout(this.#run, rest);
  }

  readonly #run = (): void => {
    const started = performance.now();
    this.#isScheduled = false;
    this.#options.flush();
    const ended = performance.now();
    this.#restMs = Math.min(this.#options.maximumMs, REST * (ended - started));
    this.#nextAt = ended + this.#restMs;
  };
}
