import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import { BatchedTimers } from "../timing/batched-timers.ts";
import type { StreamKey } from "../topics/topic.ts";
import type { TopicState, TopicStates } from "./topic-state.ts";

/** Time after which messages that the service named and that have not arrived count as missing, in ms. */
const ARRIVAL_TIMEOUT_MS = 1_000;

/** Additional time for messages that follow a reply before they are requested again, in ms. */
const REPLY_ARRIVAL_TIMEOUT_MS = 10_000;

/** Repairs of one subscription within this time of each other, in ms, are delayed. */
const REPAIR_PERIOD_MS = 5_000;

/** Least time between two requests for a stream that a heartbeat or a reset causes, in ms. */
const COOL_DOWN_MS = 1_000;

/** Temporary refusals in a row, about a minute of them, after which another connection is tried. */
const MAXIMUM_FAILURES = 8;

interface RepairsOptions {
  readonly states: TopicStates;
  readonly request: (state: TopicState) => void;
  /** Called when a request was temporarily refused too often: another connection may work. */
  readonly onStuck: () => void;
}

/** Decides when a subscription of one connection is requested again: messages are missing, or it was refused. */
export class Repairs {
  readonly #options: RepairsOptions;
  readonly #retries: BatchedTimers<TopicState>;

  constructor(options: RepairsOptions) {
    this.#options = options;
    this.#retries = new BatchedTimers((states) => {
      for (const state of states) options.request(state);
    });
  }

  /**
   * Requests what is missing in some streams of a subscription, unless an answer is pending.
   *
   * @param hasCoolDown whether to wait until a second after the previous request
   */
  repair(subscription: SharedSubscription, keys: Iterable<StreamKey>, hasCoolDown = false): void {
    const { states, request } = this.#options;
    const state = states.of(subscription);
    if (!state) return;
    for (const key of keys) state.suspects.add(key);
    if (state.phase !== "live" || state.suspects.size === 0) return;
    const isFrequent = this.recordFailure(state);
    const coolDown = hasCoolDown ? state.requestedAt + COOL_DOWN_MS - Date.now() : 0;
    const delay = Math.max(coolDown, isFrequent ? state.backoff.next() : 0);
    if (delay > 0) this.requestLater([state], delay);
    else request(state);
  }

  /**
   * Waits for messages that the service named, marks them overdue, and requests them: immediately if a heartbeat named
   * them, and after a longer time if a reply did, since much may follow a reply.
   */
  awaitArrival(subscription: SharedSubscription, namedBy: "heartbeat" | "reply"): void {
    const state = this.#options.states.of(subscription);
    if (state?.phase !== "live" || state.arrivalTimer !== undefined || subscription.behind.size === 0) return;
    const { maxRate } = subscription.receivers;
    const timeout = ARRIVAL_TIMEOUT_MS + (maxRate === undefined ? 0 : 1_000 / maxRate);
    const repair = (): void => {
      state.arrivalTimer = undefined;
      this.repair(subscription, subscription.behind, true);
    };
    state.arrivalTimer = setTimeout(() => {
      subscription.markOverdue();
      if (namedBy === "heartbeat") repair();
      else state.arrivalTimer = setTimeout(repair, REPLY_ARRIVAL_TIMEOUT_MS);
    }, timeout);
  }

  /** Records that a subscription failed. Returns whether it did so a moment ago too. */
  recordFailure(state: TopicState): boolean {
    const now = Date.now();
    const isFrequent = now - state.repairedAt < REPAIR_PERIOD_MS;
    state.repairedAt = now;
    if (!isFrequent) state.backoff.reset();
    return isFrequent;
  }

  /** Requests again what was temporarily refused, with growing waits. */
  retryLater(states: readonly TopicState[]): void {
    for (const state of states) state.failures += 1;
    if (states.some(({ failures }) => failures >= MAXIMUM_FAILURES)) this.#options.onStuck();
    else this.requestLater(states, Math.max(...states.map(({ backoff }) => backoff.next())));
  }

  /** Requests again after a delay, together with what is due at about the same time. */
  requestLater(states: readonly TopicState[], delayMs: number): void {
    for (const state of states) {
      state.phase = "waiting";
      this.#retries.schedule(state, delayMs);
    }
  }

  /** Cancels a later request. */
  cancel(state: TopicState): void {
    this.#retries.cancel(state);
  }

  stop(): void {
    this.#retries.stop();
  }
}
