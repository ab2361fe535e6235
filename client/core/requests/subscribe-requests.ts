import { type ChannelError, errorCodes } from "../../../contract/errors.ts";
import { Replays } from "../positions/replays.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { Topic, TopicWords } from "../topics/topic.ts";
import type { Transport } from "../transport/transport.ts";
import { type AskResult, Asks } from "./pending-subscribes.ts";
import { Releases } from "./pending-unsubscribes.ts";
import { Repairs } from "./repairs.ts";
import { resetTopicState, type TopicState, TopicStates } from "./topic-state.ts";

/** How long the service gets to catch up before it is asked again where it was behind a receiver, in ms. */
const DOUBT_MS = 1_000;

interface RequestsOptions {
  readonly send: Transport["request"];
  /** Most bytes of a request. */
  readonly maximumBytes: number;
  /** Whether no other connection carries the subscriptions, so that a stream that goes back has been reset. */
  readonly isSole: () => boolean;
  readonly onSettled: () => void;
  /** The service has ended a subscription after it had confirmed it. */
  readonly onTakenBack: (topic: Topic, error: ChannelError) => void;
  /** The service has as many subscriptions as it takes: those that nobody holds any more are to be left at once. */
  readonly onFull: () => void;
  /** A request had no answer in time. */
  readonly onTimeout: () => void;
  /** A request was refused for the moment again and again: another connection may fare better. */
  readonly onStuck: () => void;
}

/**
 * Keeps the subscriptions that the service has on one connection equal to those that the application wants: asks for
 * what is missing and releases what is too much, bundled, one request per topic at a time, and again where that helps.
 */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #states = new TopicStates();
  readonly #queue = new Set<TopicState>();
  readonly #releases: Releases;
  readonly #asks: Asks;
  /** Asks for what is missing. */
  readonly repairs: Repairs;
  /** What is being delivered again on this connection. */
  readonly replays = new Replays();
  /** Counts what the service has released. */
  #released = 0;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#releases = new Releases({
      ...options,
      onAnswered: (states) => this.#onReleased(states),
      onRetry: (states) => {
        for (const state of states) this.#step(state);
      },
    });
    this.repairs = new Repairs({
      states: this.#states,
      ask: (state) => this.#askState(state),
      onStuck: options.onStuck,
    });
    this.#asks = new Asks({
      ...options,
      replays: this.replays,
      carrier: this,
      mayLower: ({ isRechecked }) => isRechecked || options.isSole(),
      onAnswered: (state, result) => this.#onAnswered(state, result),
      onFailed: (states) => this.repairs.retryLater(states),
      releases: () => this.#released,
      onFull: (states, releases) => this.#onFull(states, releases),
      onRefused: (state, error) => this.#onRefused(state, error),
      onUnwanted: (state) => this.#step(state),
      onTakenBack: ({ topic }, error) => options.onTakenBack(topic, error),
    });
  }

  /** Whether no subscription waits for an answer. */
  get isSettled(): boolean {
    return this.#states.isSettled;
  }

  /** Asks for a subscription from where its receivers are; several in one turn go out together. */
  ask(subscription: SharedSubscription): void {
    this.#askState(this.#want(subscription));
  }

  /** Asks for a subscription that this connection was not asked for yet. */
  ensure(subscription: SharedSubscription): void {
    const state = this.#want(subscription);
    if (state.phase === "idle") this.#askState(state);
  }

  /** Asks again for a subscription that counts as confirmed, where it may be lost without a sign. */
  verify(subscription: SharedSubscription): void {
    const state = this.#states.of(subscription);
    if (state?.phase === "live") this.#askState(state);
  }

  /** Takes note that the application does not want a subscription any more, and releases it. */
  leave(subscription: SharedSubscription): void {
    const state = this.#states.of(subscription);
    if (!state) return;
    this.#unwant(state);
    this.#step(state);
  }

  /** Releases a subscription that the service turns out to have although nobody asked for it. */
  disown(topic: Topic): void {
    if (this.#states.find(topic)) return;
    const state = this.#states.obtain(topic);
    state.isHeld = true;
    this.#step(state);
  }

  /**
   * Takes note that the service has ended a subscription; asks for it again later where the code allows that. Returns the
   * subscription where it does not, for the caller to say what becomes of it. An error while a request for the topic has
   * no answer yet is part of that answer.
   */
  end(topic: TopicWords, { code }: ChannelError): SharedSubscription | undefined {
    const state = this.#states.find(topic);
    if (!state || state.unanswered) return undefined;
    const { subscription, phase } = state;
    state.isHeld = false;
    state.isAnswered = false;
    if (!subscription) {
      this.#onReleased([state]);
      return undefined;
    }
    if (phase === "refused") return undefined;
    const isLasting = phase !== "asking" && !errorCodes[code].retry;
    if (isLasting) {
      this.repairs.cancel(state);
      state.phase = "refused";
      return subscription;
    }
    subscription.conditions.drop(this);
    if (phase !== "asking") {
      this.repairs.note(state);
      this.repairs.retryLater([state]);
    }
    return undefined;
  }

  /** Whether a message that is not newer than what its receivers have shows that its stream was reset. */
  judges(subscription: SharedSubscription): boolean {
    const state = this.#states.of(subscription);
    return state?.phase === "live" && state.unanswered === undefined && this.#options.isSole();
  }

  stop(): void {
    this.#queue.clear();
    this.repairs.stop();
    this.#releases.stop();
    this.#asks.stop();
    for (const { subscription, patience } of this.#states.clear()) {
      clearTimeout(patience);
      subscription?.conditions.drop(this);
    }
  }

  /** The state of a subscription that the application wants, made if there is none. */
  #want(subscription: SharedSubscription): TopicState {
    const state = this.#states.obtain(subscription.topic);
    if (state.subscription !== subscription) {
      this.#unwant(state);
      state.subscription = subscription;
    }
    return state;
  }

  #unwant(state: TopicState): void {
    this.repairs.cancel(state);
    state.subscription?.conditions.drop(this);
    resetTopicState(state);
  }

  #askState(state: TopicState): void {
    this.repairs.cancel(state);
    state.phase = "asking";
    state.isBlocked = false;
    if (state.unanswered === "subscribe") state.isRepeated = true;
    this.#step(state);
  }

  /** Goes on with a topic where something is to do and no request for it is on its way. */
  #step(state: TopicState): void {
    if (state.unanswered) return;
    const isToDo = state.subscription ? state.phase === "asking" : state.isHeld;
    if (isToDo) {
      // The managed edge runs requests side by side, so what contradicts another one waits for its answer.
      if (this.#queue.size === 0) queueMicrotask(() => this.#flush());
      this.#queue.add(state);
    } else if (!state.subscription) this.#states.delete(state);
  }

  #flush(): void {
    const states = [...this.#queue].filter(({ unanswered }) => !unanswered);
    this.#queue.clear();
    this.#releases.send(states.filter(({ subscription, isHeld }) => !subscription && isHeld));
    const asked = states.filter(({ subscription, phase }) => subscription && phase === "asking");
    // Opened and closed in one turn: there is nobody to ask for.
    for (const state of asked) if (state.subscription?.receivers.size === 0) state.phase = "idle";
    this.#asks.send(asked.filter(({ phase }) => phase === "asking"));
    if (asked.some(({ phase }) => phase === "idle")) this.#checkSettled();
  }

  #checkSettled(): void {
    if (this.isSettled) this.#options.onSettled();
  }

  #onAnswered(state: TopicState, { asked, again, doubtful }: AskResult): void {
    const { subscription } = state;
    if (!subscription) return;
    const isPartial = typeof asked === "object" && !subscription.hasOneStream && state.isAnswered;
    const left = isPartial ? [...state.suspects].filter((key) => !asked.has(key)) : [];
    state.suspects = new Set([...left, ...again, ...doubtful]);
    const isRepeated = state.isRepeated || left.length + again.size > 0;
    Object.assign(state, { isAnswered: true, failures: 0, phase: "live", isRepeated: false });
    state.isRechecked = doubtful.size > 0 && !state.isRechecked;
    if (state.isRechecked) this.repairs.askLater([state], DOUBT_MS);
    else if (isRepeated) this.#askState(state);
    else this.repairs.suspect(subscription, "answer");
    this.#checkSettled();
  }

  /** Returns whether they wait for subscriptions that the service has and that nobody wants any more. */
  #onFull(states: readonly TopicState[], releases: number): boolean {
    this.#options.onFull();
    if (this.#released > releases) {
      this.repairs.retryLater(states);
      return true;
    }
    const mayHelp = this.#states.hasUnwanted;
    if (mayHelp) for (const state of states) Object.assign(state, { isBlocked: true, phase: "waiting" });
    return mayHelp;
  }

  #onRefused(state: TopicState, error: ChannelError): void {
    state.phase = "refused";
    state.isBlocked = error.code === "limit_exceeded";
    state.subscription?.conditions.drop(this, error);
    this.#checkSettled();
  }

  #onReleased(states: readonly TopicState[]): void {
    for (const state of states) if (!state.isHeld || state.subscription) this.#step(state);
    if (states.every(({ isHeld }) => isHeld)) return;
    this.#released += 1;
    for (const state of this.#states.all) if (state.isBlocked) this.#askState(state);
  }
}
