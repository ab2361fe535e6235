import { Cluster, Command, type Redis } from "ioredis";
import type { Question } from "./questions.ts";

type Handler = (body: Buffer, channel: Buffer) => void;

interface Subscription {
  handler: Handler;
  /** Settles with Redis's answer. */
  confirmed: Promise<void>;
  /** Of the channel's name, on a cluster. */
  readonly slot: number;
}

interface ShardedPubSubOptions {
  /** A connection of its own: a subscribed one cannot do anything else. */
  readonly subscriber: Redis | Cluster;
  readonly onError: (error: Error) => void;
}

const slotOf = (channel: string): number => Number(new Command("ssubscribe", [channel]).getSlot());

/** A channel that nobody publishes to, in the slot of another one. */
function probeBeside(channel: string): string {
  const tag = /\{([^}]+)\}/.exec(channel)?.[1] ?? channel;
  return `socket.io#probe{${tag}}`;
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

  /**
   * What must be answered for the subscriptions to be alive, over each connection that carries some: that one can
   * subscribe there, and end it again. Not a mere `PING`: a cluster's client has no way to send one over them, and it
   * would not show that the user may subscribe.
   */
  questions(): Question[] {
    const subscriber = this.#subscriber;
    const probes = new Map<string, string>();
    for (const [channel, { slot }] of this.#subscriptions) {
      const server = subscriber instanceof Cluster ? (subscriber.slots[slot]?.[0] ?? "nobody") : "";
      if (!probes.has(server)) probes.set(server, probeBeside(channel));
    }
    if (probes.size === 0) probes.set("", probeBeside("first"));
    return [...probes].map(([server, probe]) => ({
      name: `subscriber ${server}`.trimEnd(),
      ask: () => this.#try(probe),
    }));
  }

  /** Resolves once Redis has confirmed the subscription. Rejects with Redis's error. */
  subscribe(channel: string, handler: Handler): Promise<void> {
    const existing = this.#subscriptions.get(channel);
    if (existing) {
      existing.handler = handler;
      return existing.confirmed;
    }
    const confirmed = this.#command("ssubscribe", channel);
    const subscription: Subscription = { handler, confirmed, slot: slotOf(channel) };
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

  async #try(probe: string): Promise<void> {
    await this.#command("ssubscribe", probe);
    await this.#command("sunsubscribe", probe);
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
