import type { ChannelError } from "../../../contract/errors.ts";
import { mayRetry } from "../messages/error-traits.ts";
import { Replays } from "../positions/replays.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { Topic, WireTopic } from "../topics/topic.ts";
import type { Transport } from "../transport/transport.ts";
import { PendingSubscribes, type SubscribeResult } from "./pending-subscribes.ts";
import { PendingUnsubscribes } from "./pending-unsubscribes.ts";
import { Repairs } from "./repairs.ts";
import { SubscriptionLimit } from "./subscription-limit.ts";
import { resetTopicState, type TopicState, TopicStates } from "./topic-state.ts";

/** Time for the service to catch up before a doubtful reply is requested again, in ms. */
const DOUBT_MS = 1_000;

interface SubscribeRequestsOptions {
  readonly send: Transport["request"];
  /** Most bytes of a request. */
  readonly maximumBytes: number;
  /** Returns whether no other connection carries the subscriptions, so that a stream that goes back was reset. */
  readonly isSole: () => boolean;
  /** Called when every subscription has its answer. */
  readonly onSettled: () => void;
  /** Called when the service ends a subscription after it had confirmed it. */
  readonly onRevoked: (topic: Topic, error: ChannelError) => void;
  /** Called when the limit of subscriptions is reached, to unsubscribe immediately from what no receiver uses. */
  readonly onFull: () => void;
  /** Called when a request had no answer in time. */
  readonly onTimeout: () => void;
  /** Called when a request was temporarily refused too often: another connection may work. */
  readonly onStuck: () => void;
}

/**
 * Keeps the subscriptions that the service has on one connection equal to those that the application wants: subscribes
 * and unsubscribes in bundles, with one request per topic at a time, and retries where that can help.
 */
export class SubscribeRequests {
  readonly #options: SubscribeRequestsOptions;
  readonly #states = new TopicStates();
  readonly #queue = new Set<TopicState>();
  readonly #unsubscribes: PendingUnsubscribes;
  readonly #subscribes: PendingSubscribes;
  readonly #limit: SubscriptionLimit;
  readonly repairs: Repairs;
  readonly replays = new Replays();

  constructor(options: SubscribeRequestsOptions) {
    this.#options = options;
    this.#unsubscribes = new PendingUnsubscribes({
      ...options,
      onAnswered: (states) => this.#onReleased(states),
      onRetry: (states) => {
        for (const state of states) this.#step(state);
      },
    });
    const request = (state: TopicState): void => this.#request(state);
    this.repairs = new Repairs({ states: this.#states, request, onStuck: options.onStuck });
    this.#limit = new SubscriptionLimit({
      states: this.#states,
      onFull: options.onFull,
      request,
      retryLater: (states) => this.repairs.retryLater(states),
    });
    this.#subscribes = new PendingSubscribes({
      ...options,
      replays: this.replays,
      reporter: this,
      mayLower: ({ isRechecked }) => isRechecked || options.isSole(),
      onAnswered: (state, result) => this.#onAnswered(state, result),
      onFailed: (states) => this.repairs.retryLater(states),
      releases: () => this.#limit.releases,
      onFull: (states, releases) => this.#limit.onFull(states, releases),
      onRefused: (state, error) => this.#onRefused(state, error),
      onUnwanted: (state) => this.#step(state),
      onRevoked: ({ topic }, error) => options.onRevoked(topic, error),
    });
  }

  /** True if every subscription has its answer. */
  get isSettled(): boolean {
    return this.#states.isSettled;
  }

  /** Requests a subscription, resuming where its receivers are. Several in one turn share a request. */
  subscribe(subscription: SharedSubscription): void {
    this.#request(this.#want(subscription));
  }

  /** Requests a subscription unless this connection has requested it before. */
  ensureSubscribed(subscription: SharedSubscription): void {
    const state = this.#want(subscription);
    if (state.phase === "idle") this.#request(state);
  }

  /** Requests a confirmed subscription again, because the service may have lost it. */
  verify(subscription: SharedSubscription): void {
    const state = this.#states.of(subscription);
    if (state?.phase === "live") this.#request(state);
  }

  /** Unsubscribes from what the application does not want any more. */
  unsubscribe(subscription: SharedSubscription): void {
    const state = this.#states.of(subscription);
    if (!state) return;
    this.#unwant(state);
    this.#step(state);
  }

  /** Unsubscribes from a topic that the service has although the application never wanted it. */
  unsubscribeStray(topic: Topic): void {
    if (this.#states.find(topic)) return;
    const state = this.#states.obtain(topic);
    state.isHeld = true;
    this.#step(state);
  }

  /**
   * Handles the end of a subscription at the service, and requests it again later if the code allows that. Otherwise
   * returns the subscription, for the caller to report the error. An error that arrives while a request for the topic is
   * pending belongs to the answer of that request, and is ignored.
   */
  onEnded(topic: WireTopic, { code }: ChannelError): SharedSubscription | undefined {
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
    const isLasting = phase !== "requesting" && !mayRetry(code);
    if (isLasting) {
      this.repairs.cancel(state);
      state.phase = "refused";
      return subscription;
    }
    subscription.health.drop(this);
    if (phase !== "requesting") {
      this.repairs.recordFailure(state);
      this.repairs.retryLater([state]);
    }
    return undefined;
  }

  /** Returns whether a message that is not newer than a receiver's position shows that its stream was reset. */
  showsReset(subscription: SharedSubscription): boolean {
    const state = this.#states.of(subscription);
    return state?.phase === "live" && state.unanswered === undefined && this.#options.isSole();
  }

  stop(): void {
    this.#queue.clear();
    this.repairs.stop();
    this.#unsubscribes.stop();
    this.#subscribes.stop();
    for (const { subscription, arrivalTimer } of this.#states.clear()) {
      clearTimeout(arrivalTimer);
      subscription?.health.drop(this);
    }
  }

  /** Returns the state of a subscription that the application wants, and creates it if there is none. */
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
    state.subscription?.health.drop(this);
    resetTopicState(state);
  }

  #request(state: TopicState): void {
    this.repairs.cancel(state);
    state.phase = "requesting";
    state.isBlocked = false;
    if (state.unanswered === "subscribe") state.isRepeated = true;
    this.#step(state);
  }

  /** Queues the next request for a topic, if one is needed and none is pending. */
  #step(state: TopicState): void {
    if (state.unanswered) return;
    const needsRequest = state.subscription ? state.phase === "requesting" : state.isHeld;
    if (needsRequest) {
      // The managed edge handles requests concurrently, so a contradicting one waits for the pending answer.
      if (this.#queue.size === 0) queueMicrotask(() => this.#flush());
      this.#queue.add(state);
    } else if (!state.subscription) this.#states.delete(state);
  }

  #flush(): void {
    const states = [...this.#queue].filter(({ unanswered }) => !unanswered);
    this.#queue.clear();
    this.#unsubscribes.send(states.filter(({ subscription, isHeld }) => !subscription && isHeld));
    const wanted = states.filter(({ subscription, phase }) => subscription && phase === "requesting");
    // A subscription that was opened and closed in one turn has no receiver to request it for.
    for (const state of wanted) if (state.subscription?.receivers.size === 0) state.phase = "idle";
    this.#subscribes.send(wanted.filter(({ phase }) => phase === "requesting"));
    if (wanted.some(({ phase }) => phase === "idle")) this.#checkSettled();
  }

  #checkSettled(): void {
    if (this.isSettled) this.#options.onSettled();
  }

  #onAnswered(state: TopicState, { requested, again, doubtful }: SubscribeResult): void {
    const { subscription } = state;
    if (!subscription) return;
    const isPartial = typeof requested === "object" && !subscription.hasOneStream && state.isAnswered;
    const left = isPartial ? [...state.suspects].filter((key) => !requested.has(key)) : [];
    state.suspects = new Set([...left, ...again, ...doubtful]);
    const isRepeated = state.isRepeated || left.length + again.size > 0;
    Object.assign(state, { isAnswered: true, failures: 0, phase: "live", isRepeated: false });
    state.isRechecked = doubtful.size > 0 && !state.isRechecked;
    if (state.isRechecked) this.repairs.requestLater([state], DOUBT_MS);
    else if (isRepeated) this.#request(state);
    else this.repairs.awaitArrival(subscription, "reply");
    this.#checkSettled();
  }

  #onRefused(state: TopicState, error: ChannelError): void {
    state.phase = "refused";
    state.isBlocked = error.code === "limit_exceeded";
    state.subscription?.health.drop(this, error);
    this.#checkSettled();
  }

  #onReleased(states: readonly TopicState[]): void {
    for (const state of states) if (!state.isHeld || state.subscription) this.#step(state);
    if (!states.every(({ isHeld }) => isHeld)) this.#limit.onReleased();
  }
}
