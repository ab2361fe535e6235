import { type Topic, type TopicWords, topicName } from "../topics/topic.ts";
import { SharedSubscription } from "./shared-subscription.ts";

/** Holds the subscriptions that the application wants, whatever connection carries them. */
export class SubscriptionRegistry {
  /** By the name of the topic. */
  readonly #subscriptions = new Map<string, SharedSubscription>();

  get all(): IterableIterator<SharedSubscription> {
    return this.#subscriptions.values();
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /** Those that nobody holds any more and that are kept a little longer. */
  get lingering(): SharedSubscription[] {
    return [...this.#subscriptions.values()].filter(({ receivers }) => receivers.size === 0);
  }

  /** The subscription to a topic; made if there is none. */
  obtain(topic: Topic): SharedSubscription {
    const name = topicName(topic);
    const existing = this.#subscriptions.get(name);
    if (existing) return existing;
    const fresh = new SharedSubscription(topic);
    this.#subscriptions.set(name, fresh);
    return fresh;
  }

  /** The subscription of exactly these words. */
  find(topic: TopicWords): SharedSubscription | undefined {
    return this.#subscriptions.get(topicName(topic));
  }

  /** Those that a message is for: of its market, and of the whole channel. */
  matching({ channel, marketId }: TopicWords): SharedSubscription[] {
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

  /** Forgets those that nobody holds. */
  prune(): void {
    for (const each of this.lingering) this.remove(each);
  }
}
