import type { Channel } from "../../../contract/channels.ts";
import { type Topic, topicName, type WireTopic } from "../topics/topic.ts";
import { SharedSubscription } from "./shared-subscription.ts";

/** Holds the subscriptions that the application wants, independent of connections. */
export class SubscriptionRegistry {
  /** By the name of the topic. */
  readonly #subscriptions = new Map<string, SharedSubscription>();
  /** Messages of state channels that were wrong and that the service was asked to repair. */
  wrongStates = 0;
  /** Messages of state channels whose value was proven by their sum. */
  verifiedStates = 0;

  get all(): IterableIterator<SharedSubscription> {
    return this.#subscriptions.values();
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /** The subscriptions that no receiver uses any more and that are kept a little longer. */
  get lingering(): SharedSubscription[] {
    return [...this.#subscriptions.values()].filter(({ receivers }) => receivers.size === 0);
  }

  /** Returns the subscription to a topic, and creates it if there is none. */
  obtain(topic: Topic): SharedSubscription {
    const name = topicName(topic);
    const existing = this.#subscriptions.get(name);
    if (existing) return existing;
    const fresh = new SharedSubscription(topic, () => this.#subscriptions.has(topic.channel));
    this.#subscriptions.set(name, fresh);
    return fresh;
  }

  /** Returns the subscription to exactly this topic. */
  find(topic: WireTopic): SharedSubscription | undefined {
    return this.#subscriptions.get(topicName(topic));
  }

  /** Returns the subscriptions to single markets of a channel. */
  marketsOf(channel: Channel): SharedSubscription[] {
    return [...this.all].filter(({ topic }) => topic.channel === channel && topic.marketId !== undefined);
  }

  /** Returns the subscriptions that a message is for: that of its market, and that of the whole channel. */
  matching({ channel, marketId }: WireTopic): SharedSubscription[] {
    const whole = this.#subscriptions.get(channel);
    const single = marketId === undefined ? undefined : this.#subscriptions.get(topicName({ channel, marketId }));
    if (whole && single) return [whole, single];
    const only = whole ?? single;
    return only ? [only] : [];
  }

  has(subscription: SharedSubscription): boolean {
    return this.find(subscription.topic) === subscription;
  }

  remove(subscription: SharedSubscription): void {
    if (this.has(subscription)) this.#subscriptions.delete(topicName(subscription.topic));
  }

  /** Removes the subscriptions that no receiver uses. */
  prune(): void {
    for (const each of this.lingering) this.remove(each);
  }
}
