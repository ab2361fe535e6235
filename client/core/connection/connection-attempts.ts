import { Backoff, type BackoffOptions } from "../timing/backoff.ts";
import { boundedDelay } from "../timing/bounded-delay.ts";

interface AttemptsOptions {
  readonly backoff: BackoffOptions | undefined;
  /** Makes an attempt. What it finds out after a wait counts only while `isCurrent` says so. */
  readonly attempt: (isCurrent: () => boolean) => Promise<void>;
  /** Called when an attempt has failed, with the wait before the next one in ms. */
  readonly onFailure: (error: unknown, nextRetryMs: number) => void;
}

/** Makes attempts to connect, one at a time, with growing waits between those that fail. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #backoff: Backoff;
  /** Counts attempts: what an earlier one waited for is void. */
  #number = 0;
  #isRunning = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
  }

  /** Whether an attempt is being made. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Whether the next attempt has its time. */
  get isPlanned(): boolean {
    return this.#retry !== undefined;
  }

  /** Attempts that failed, and connections that ended, since the last one that succeeded. */
  get failures(): number {
    return this.#failures;
  }

  /** Makes an attempt now, unless one is being made. */
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
    const delay = this.#backoff.next();
    this.#retry = setTimeout(() => this.start(), boundedDelay(delay));
    return delay;
  }

  /** Counts a failure. */
  fail(): void {
    this.#failures += 1;
  }

  /** Takes note that an attempt has led to a connection. */
  succeed(): void {
    this.#failures = 0;
  }

  /** Makes the next waits short again. */
  relax(): void {
    this.#backoff.reset();
  }

  /** Gives up what is planned or being made. */
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
