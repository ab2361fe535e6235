import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import { Slots } from "../timing/batched-timers.ts";
import type { StreamKey } from "../topics/topic.ts";
import type { TopicState, TopicStates } from "./topic-state.ts";

/** How long messages that the service named may be on their way before that counts as a hole, in ms. */
const PATIENCE_MS = 1_000;

/** How much longer what follows an answer may take before it is asked for again, in ms. */
const ANSWER_PATIENCE_MS = 10_000;

/** Repairs of one subscription that follow each other faster than this wait, in ms. */
const REPAIR_PERIOD_MS = 5_000;

/** Least time between two requests for a stream that a heartbeat or a reset leads to, in ms. */
const CALM_MS = 1_000;

/** Refusals for the moment, about a minute of them, after which another connection is tried. */
const MAXIMUM_FAILURES = 8;

interface RepairsOptions {
  readonly states: TopicStates;
  readonly ask: (state: TopicState) => void;
  /** Called when a request was refused for the moment again and again: another connection may fare better. */
  readonly onStuck: () => void;
}

/** Decides when a subscription of one connection is asked for again: something is missing, or it was refused. */
export class Repairs {
  readonly #options: RepairsOptions;
  readonly #retries: Slots<TopicState>;

  constructor(options: RepairsOptions) {
    this.#options = options;
    this.#retries = new Slots((states) => {
      for (const state of states) options.ask(state);
    });
  }

  /**
   * Asks for what is missing in some streams of a subscription, unless an answer is on its way.
   *
   * @param isCalm whether to keep a second from the request before
   */
  repair(subscription: SharedSubscription, keys: Iterable<StreamKey>, isCalm = false): void {
    const { states, ask } = this.#options;
    const state = states.of(subscription);
    if (!state) return;
    for (const key of keys) state.suspects.add(key);
    if (state.phase !== "live" || state.suspects.size === 0) return;
    const isFrequent = this.note(state);
    const calm = isCalm ? state.askedAt + CALM_MS - Date.now() : 0;
    const delay = Math.max(calm, isFrequent ? state.backoff.next() : 0);
    if (delay > 0) this.askLater([state], delay);
    else ask(state);
  }

  /**
   * Takes note, a moment later, that what the service named has not come, and asks for it: at once where a heartbeat named
   * it, and where an answer did only after a while, since what follows an answer may be much.
   */
  suspect(subscription: SharedSubscription, origin: "heartbeat" | "answer"): void {
    const state = this.#options.states.of(subscription);
    if (state?.phase !== "live" || state.patience !== undefined || subscription.behind.size === 0) return;
    const { maxRate } = subscription;
    const patience = PATIENCE_MS + (maxRate === undefined ? 0 : 1_000 / maxRate);
    const repair = (): void => {
      state.patience = undefined;
      this.repair(subscription, subscription.behind, true);
    };
    state.patience = setTimeout(() => {
      subscription.markOverdue();
      if (origin === "heartbeat") repair();
      else state.patience = setTimeout(repair, ANSWER_PATIENCE_MS);
    }, patience);
  }

  /** Notes that a subscription is in trouble. Returns whether it was a moment ago too. */
  note(state: TopicState): boolean {
    const now = Date.now();
    const isFrequent = now - state.repairedAt < REPAIR_PERIOD_MS;
    state.repairedAt = now;
    if (!isFrequent) state.backoff.reset();
    return isFrequent;
  }

  /** Asks again for what was refused for the moment, with growing waits. */
  retryLater(states: readonly TopicState[]): void {
    for (const state of states) state.failures += 1;
    if (states.some(({ failures }) => failures >= MAXIMUM_FAILURES)) this.#options.onStuck();
    else this.askLater(states, Math.max(...states.map(({ backoff }) => backoff.next())));
  }

  /** Asks again after so many ms, together with what is due at about the same time. */
  askLater(states: readonly TopicState[], delayMs: number): void {
    for (const state of states) {
      state.phase = "waiting";
      this.#retries.schedule(state, delayMs);
    }
  }

  /** Gives up the plan to ask again later. */
  cancel(state: TopicState): void {
    this.#retries.cancel(state);
  }

  stop(): void {
    this.#retries.stop();
  }
}
