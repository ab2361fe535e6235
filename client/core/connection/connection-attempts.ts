import { Backoff, type BackoffOptions } from "../timing/backoff.ts";
import { boundedDelay } from "../timing/bounded-delay.ts";

interface ConnectionAttemptsOptions {
  readonly backoff: BackoffOptions | undefined;
  /** Makes an attempt. After each `await`, it must stop unless `isCurrent` returns true. */
  readonly attempt: (isCurrent: () => boolean) => Promise<void>;
  /** Called when an attempt failed, with the wait before the next one, in ms. */
  readonly onFailure: (error: unknown, nextRetryMs: number) => void;
}

/** Makes one attempt to connect at a time, with growing waits between attempts that fail. */
export class ConnectionAttempts {
  readonly #options: ConnectionAttemptsOptions;
  /** The waits between attempts. */
  readonly backoff: Backoff;
  /** The number of the current attempt: earlier ones no longer count. */
  #number = 0;
  #isRunning = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(options: ConnectionAttemptsOptions) {
    this.#options = options;
    this.backoff = new Backoff(options.backoff);
  }

  /** True if an attempt is running. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** True if the next attempt is scheduled. */
  get isPlanned(): boolean {
    return this.#retry !== undefined;
  }

  /** Attempts that failed and connections that ended since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Makes an attempt now, unless one is running. */
  start(): void {
    this.#clear();
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#number += 1;
    const number = this.#number;
    const isCurrent = (): boolean => number === this.#number;
    this.#options.attempt(isCurrent).then(
      () => {
        if (isCurrent()) this.#isRunning = false;
      },
      (error: unknown) => {
        if (!isCurrent()) return;
        this.#isRunning = false;
        this.fail();
        this.#options.onFailure(error, this.startLater());
      },
    );
  }

  /** Makes the next attempt after a wait. Returns the wait, in ms. */
  startLater(): number {
    this.#clear();
    const delay = this.backoff.next();
    this.#retry = setTimeout(() => this.start(), boundedDelay(delay));
    return delay;
  }

  /** Counts a failure. */
  fail(): void {
    this.#failures += 1;
  }

  /** Records that an attempt led to a connection. */
  succeed(): void {
    this.#failures = 0;
  }

  /** Cancels the running and the scheduled attempt. */
  cancel(): void {
    this.#clear();
    this.#number += 1;
    this.#isRunning = false;
  }

  #clear(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }
}
