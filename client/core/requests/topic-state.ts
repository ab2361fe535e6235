import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import { Backoff } from "../timing/backoff.ts";
import { type StreamKey, type Topic, type TopicWords, topicName } from "../topics/topic.ts";

/**
 * How far a connection is with a subscription that the application wants:
 * - `idle`: nobody has asked for it here.
 * - `asking`: to be asked for, or asked for.
 * - `waiting`: to be asked for later.
 * - `live`: confirmed.
 * - `refused`: refused for a reason that lasts.
 */
export type Phase = "idle" | "asking" | "waiting" | "live" | "refused";

/** What one connection knows of one topic: whether the application wants it, and whether the service has it. */
export interface TopicState {
  readonly topic: Topic;
  /** Undefined where the application does not want it any more. */
  subscription: SharedSubscription | undefined;
  /** Whether the service has the subscription on this connection, or may have it. */
  isHeld: boolean;
  /** The request for it that has no answer yet. */
  unanswered: "subscribe" | "unsubscribe" | undefined;
  phase: Phase;
  /** Whether to ask once more after the answer that is awaited. */
  isRepeated: boolean;
  /** Whether this connection has answered before, so that a request resumes in place. */
  isAnswered: boolean;
  /** Whether an answer was doubted and is asked for once more; the next one counts. */
  isRechecked: boolean;
  /** Whether it waits for room: the service has as many subscriptions as it takes. */
  isBlocked: boolean;
  /** Refusals for the moment, one after the other. */
  failures: number;
  /** Streams in which something is missing. */
  suspects: Set<StreamKey>;
  readonly backoff: Backoff;
  /** Ends the patience with messages that should be on their way. */
  patience: ReturnType<typeof setTimeout> | undefined;
  /** When it was asked for last, and when something was found to be missing last, in ms since 1970. */
  askedAt: number;
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
  patience: undefined,
  askedAt: 0,
  repairedAt: 0,
});

/** Forgets what was known of a topic but for what the service has, and for the request that has no answer yet. */
export function resetTopicState(state: TopicState): void {
  clearTimeout(state.patience);
  Object.assign(state, unwanted());
}

/** Holds what one connection knows of its topics. */
export class TopicStates {
  /** By the name of the topic. */
  readonly #states = new Map<string, TopicState>();

  get all(): readonly TopicState[] {
    return [...this.#states.values()];
  }

  /** Whether nothing that the application wants waits for an answer. */
  get isSettled(): boolean {
    for (const { subscription, phase } of this.#states.values()) {
      if (subscription && (phase === "asking" || phase === "waiting")) return false;
    }
    return true;
  }

  /** Whether the service has, or may have, something that the application does not want. */
  get hasUnwanted(): boolean {
    for (const { subscription, isHeld } of this.#states.values()) if (!subscription && isHeld) return true;
    return false;
  }

  find(topic: TopicWords): TopicState | undefined {
    return this.#states.get(topicName(topic));
  }

  /** The state of a subscription that the application wants. */
  of(subscription: SharedSubscription): TopicState | undefined {
    const state = this.find(subscription.topic);
    return state?.subscription === subscription ? state : undefined;
  }

  /** The state of a topic; made if there is none. */
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

  /** Forgets all. Returns what there was. */
  clear(): readonly TopicState[] {
    const states = this.all;
    this.#states.clear();
    return states;
  }
}
