import type { Cluster, Redis } from "ioredis";

type Handler = (body: Buffer, channel: Buffer) => void;

interface Subscription {
  handler: Handler;
  /** Settles with Redis's answer. */
  confirmed: Promise<void>;
}

interface ShardedPubSubOptions {
  /** A connection of its own: a subscribed one cannot do anything else. */
  readonly subscriber: Redis | Cluster;
  readonly onError: (error: Error) => void;
}

/**
 * Sharded Pub/Sub over ioredis: one handler per channel, confirmed subscriptions, and no rejection or exception that
 * nobody hears of. A channel that Redis did not confirm is asked for again by the next `subscribe`.
 */
export class ShardedPubSub {
  readonly #subscriber: Redis | Cluster;
  readonly #onError: (error: Error) => void;
  readonly #subscriptions = new Map<string, Subscription>();

  constructor({ subscriber, onError }: ShardedPubSubOptions) {
    this.#subscriber = subscriber;
    this.#onError = onError;
    subscriber.on("smessageBuffer", (channel: Buffer, body: Buffer) => this.#receive(channel, body));
  }

  /** Calls `listener` whenever the subscriptions may have missed messages: after each (re)connection. */
  onReconnected(listener: () => void): void {
    this.#subscriber.on("ready", listener);
    this.#subscriber.on("subscribersReady", listener);
  }

  /** Resolves once Redis has confirmed the subscription. Rejects with Redis's error. */
  subscribe(channel: string, handler: Handler): Promise<void> {
    const existing = this.#subscriptions.get(channel);
    if (existing) {
      existing.handler = handler;
      return existing.confirmed;
    }
    const subscription: Subscription = { handler, confirmed: this.#command("ssubscribe", channel) };
    this.#subscriptions.set(channel, subscription);
    subscription.confirmed.catch(() => {
      if (this.#subscriptions.get(channel) === subscription) this.#subscriptions.delete(channel);
    });
    return subscription.confirmed;
  }

  /** Asks Redis for the channel once more, in case it lost the subscription without the connection noticing. */
  renew(channel: string): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription) this.#command("ssubscribe", channel).catch(this.#onError);
  }

  unsubscribe(channel: string): void {
    if (this.#subscriptions.delete(channel)) this.#command("sunsubscribe", channel).catch(this.#onError);
  }

  async #command(name: "ssubscribe" | "sunsubscribe", channel: string): Promise<void> {
    await this.#subscriber[name](channel);
  }

  #receive(channel: Buffer, body: Buffer): void {
    try {
      this.#subscriptions.get(channel.toString())?.handler(body, channel);
    } catch (error) {
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
