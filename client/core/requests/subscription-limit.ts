import type { TopicState, TopicStates } from "./topic-state.ts";

interface SubscriptionLimitOptions {
  readonly states: TopicStates;
  /** Called when the limit is reached, to unsubscribe immediately from what no receiver uses any more. */
  readonly onFull: () => void;
  readonly request: (state: TopicState) => void;
  readonly retryLater: (states: readonly TopicState[]) => void;
}

/** Makes subscriptions above the service's limit wait until the service has released others of the connection. */
export class SubscriptionLimit {
  readonly #options: SubscriptionLimitOptions;
  #releases = 0;

  constructor(options: SubscriptionLimitOptions) {
    this.#options = options;
  }

  /** The number of times that the service has released subscriptions. */
  get releases(): number {
    return this.#releases;
  }

  /**
   * Handles subscriptions that were refused because of the limit. Returns whether they are requested again: later, if the
   * service has released some since the request was sent, or after it has released those that nobody wants any more.
   */
  onFull(states: readonly TopicState[], releasesBefore: number): boolean {
    this.#options.onFull();
    if (this.#releases > releasesBefore) {
      this.#options.retryLater(states);
      return true;
    }
    if (!this.#options.states.hasUnwanted) return false;
    for (const state of states) Object.assign(state, { isBlocked: true, phase: "waiting" });
    return true;
  }

  /** Requests the subscriptions that waited, after the service has released some. */
  onReleased(): void {
    this.#releases += 1;
    for (const state of this.#options.states.all) if (state.isBlocked) this.#options.request(state);
  }
}
