import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import { Backoff } from "../timing/backoff.ts";
import { type StreamKey, type Topic, topicName, type WireTopic } from "../topics/topic.ts";

/**
 * The phase of a subscription that the application wants, on one connection:
 * - `idle`: not requested here.
 * - `requesting`: its request is queued or sent.
 * - `waiting`: to be requested later.
 * - `live`: confirmed.
 * - `refused`: refused with a code that a retry does not change.
 */
export type Phase = "idle" | "requesting" | "waiting" | "live" | "refused";

/** The state of one topic on one connection: whether the application wants it, and whether the service has it. */
export interface TopicState {
  readonly topic: Topic;
  /** Undefined once the application does not want it any more. */
  subscription: SharedSubscription | undefined;
  /** True if the service has, or may have, the subscription on this connection. */
  isHeld: boolean;
  /** The request that has no answer yet. */
  unanswered: "subscribe" | "unsubscribe" | undefined;
  phase: Phase;
  /** True to request once more after the pending answer. */
  isRepeated: boolean;
  /** True if this connection had an answer before, so that a request resumes in place. */
  isAnswered: boolean;
  /** True if an answer was doubtful and is requested once more; the next one counts. */
  isRechecked: boolean;
  /** True if it waits because the connection has reached the service's limit of subscriptions. */
  isBlocked: boolean;
  /** Temporary refusals in a row. */
  failures: number;
  /** Streams in which messages are missing. */
  suspects: Set<StreamKey>;
  readonly backoff: Backoff;
  /** Fires when messages that the service named have not arrived. */
  arrivalTimer: ReturnType<typeof setTimeout> | undefined;
  /** The time of the last request, in ms since 1970. */
  requestedAt: number;
  /** The time at which messages were last found to be missing, in ms since 1970. */
  repairedAt: number;
}

const unwanted = () => ({
  subscription: undefined,
  phase: "idle" as const,
  isRepeated: false,
  isAnswered: false,
  isRechecked: false,
  isBlocked: false,
  failures: 0,
  suspects: new Set<StreamKey>(),
  arrivalTimer: undefined,
  requestedAt: 0,
  repairedAt: 0,
});

/** Resets a state except for what the service has, and for the request that has no answer yet. */
export function resetTopicState(state: TopicState): void {
  clearTimeout(state.arrivalTimer);
  Object.assign(state, unwanted());
}

/** Holds the topics of one connection. */
export class TopicStates {
  /** By the name of the topic. */
  readonly #states = new Map<string, TopicState>();

  get all(): readonly TopicState[] {
    return [...this.#states.values()];
  }

  /** True if every subscription that the application wants has its answer. */
  get isSettled(): boolean {
    for (const { subscription, phase } of this.#states.values()) {
      if (subscription && (phase === "requesting" || phase === "waiting")) return false;
    }
    return true;
  }

  /** True if the service has, or may have, something that the application does not want. */
  get hasUnwanted(): boolean {
    for (const { subscription, isHeld } of this.#states.values()) if (!subscription && isHeld) return true;
    return false;
  }

  /** Returns the state of a topic. */
  find(topic: WireTopic): TopicState | undefined {
    return this.#states.get(topicName(topic));
  }

  /** Returns the state of a subscription, if the topic is still this one's. */
  of(subscription: SharedSubscription): TopicState | undefined {
    const state = this.find(subscription.topic);
    return state?.subscription === subscription ? state : undefined;
  }

  /** Returns the state of a topic, and creates it if there is none. */
  obtain(topic: Topic): TopicState {
    const existing = this.find(topic);
    if (existing) return existing;
    const fresh = { topic, isHeld: false, unanswered: undefined, backoff: new Backoff(), ...unwanted() };
    this.#states.set(topicName(topic), fresh);
    return fresh;
  }

  delete({ topic }: TopicState): void {
    this.#states.delete(topicName(topic));
  }

  /** Removes and returns all states. */
  clear(): readonly TopicState[] {
    const states = this.all;
    this.#states.clear();
    return states;
  }
}
