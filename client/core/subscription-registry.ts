import type { Channel } from "../../contract/channels.ts";
import { SharedSubscription } from "./shared-subscription.ts";

const nameOf = (channel: string, marketId: string | undefined): string => `${channel}|${marketId ?? ""}`;

/** The subscriptions of a client, whatever connection carries them. */
export class SubscriptionRegistry {
  readonly #subscriptions = new Map<string, SharedSubscription>();

  get all(): IterableIterator<SharedSubscription> {
    return this.#subscriptions.values();
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /** The subscription to a channel or one market of it; made if there is none. */
  obtain(channel: Channel, marketId: string | undefined): SharedSubscription {
    const name = nameOf(channel, marketId);
    const existing = this.#subscriptions.get(name);
    if (existing) return existing;
    const fresh = new SharedSubscription(channel, marketId);
    this.#subscriptions.set(name, fresh);
    return fresh;
  }

  /** Those that a message is for: of its market, and of the whole channel. */
  matching({ channel, marketId }: { channel: Channel; marketId?: string }): SharedSubscription[] {
    const whole = this.#subscriptions.get(nameOf(channel, undefined));
    const single = marketId === undefined ? undefined : this.#subscriptions.get(nameOf(channel, marketId));
    if (whole && single) return [whole, single];
    const only = whole ?? single;
    return only ? [only] : [];
  }

  privateOn(channel: string | undefined): SharedSubscription[] {
    return [...this.#subscriptions.values()].filter((each) => each.isPrivate && each.channel === channel);
  }

  has(subscription: SharedSubscription): boolean {
    return this.#subscriptions.get(nameOf(subscription.channel, subscription.marketId)) === subscription;
  }

  remove(subscription: SharedSubscription): void {
    if (this.has(subscription)) this.#subscriptions.delete(nameOf(subscription.channel, subscription.marketId));
  }

  /** Forgets those that nobody holds. */
  prune(): void {
    for (const each of this.#subscriptions.values()) if (each.receivers.size === 0) this.remove(each);
  }
}
