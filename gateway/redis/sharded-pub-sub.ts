import { Cluster, Command, type Redis } from "ioredis";
import { asError } from "../../kernel/as-error.ts";
import { renewSubscribers } from "../../kernel/redis/renew-subscribers.ts";
import type { Probe } from "./probes.ts";

type Handler = (body: Buffer, channel: Buffer) => void;

interface Subscription {
  handler: Handler;
  /** Settles with Redis's answer. */
  readonly confirmed: Promise<void>;
  /** The slot of the channel's name, on a cluster. */
  readonly slot: number;
}

interface ShardedPubSubOptions {
  /** A connection of its own: a subscribed one cannot do anything else. */
  readonly subscriber: Redis | Cluster;
  readonly onError: (error: Error) => void;
  /**
   * Time for which a slot may have no connection before all of them are made anew, in ms, and least time between two of these.
   *
   * @default 15,000
   */
  readonly renewMs?: number;
}

/** What ioredis says of a slot for which it has no connection, for a moment or, see `renewSubscribers`, for good. */
const NO_SUBSCRIBER = /No sharded subscriber/;

const RENEW_MS = 15_000;

const slotOf = (channel: string): number => Number(new Command("ssubscribe", [channel]).getSlot());

/** Returns the name of a channel that nobody publishes to, in the slot of another one. */
function probeBeside(channel: string): string {
  const tag = /\{([^}]+)\}/.exec(channel)?.[1] ?? channel;
  return `socket.io#probe{${tag}}`;
}

/**
 * Sharded Pub/Sub over ioredis: one handler per channel, confirmed subscriptions, and every rejection and exception
 * reported. The next `subscribe` to a channel that Redis did not confirm asks Redis again.
 */
export class ShardedPubSub {
  readonly #subscriber: Redis | Cluster;
  readonly #onError: (error: Error) => void;
  readonly #renewMs: number;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Since when a slot has had no connection, by `performance.now()`. */
  #missingSince: number | undefined;

  constructor({ subscriber, onError, renewMs = RENEW_MS }: ShardedPubSubOptions) {
    this.#subscriber = subscriber;
    this.#renewMs = renewMs;
    this.#onError = onError;
    subscriber.on("smessageBuffer", (channel: Buffer, body: Buffer) => this.#receive(channel, body));
  }

  /** Calls `listener` whenever the subscriptions may have missed messages: after each (re)connection. */
  onReconnected(listener: () => void): void {
    this.#subscriber.on("ready", listener);
    this.#subscriber.on("subscribersReady", listener);
  }

  /**
   * Returns the probes that show whether the subscriptions are alive, one for each connection that carries some: it
   * subscribes there and unsubscribes again. A `PING` would not do: a cluster's client cannot send one over these
   * connections, and it would not show that the user may subscribe.
   */
  probes(): Probe[] {
    const subscriber = this.#subscriber;
    const probeChannels = new Map<string, string>();
    for (const [channel, { slot }] of this.#subscriptions) {
      const server = subscriber instanceof Cluster ? (subscriber.slots[slot]?.[0] ?? "nobody") : "";
      if (!probeChannels.has(server)) probeChannels.set(server, probeBeside(channel));
    }
    if (probeChannels.size === 0) probeChannels.set("", probeBeside("first"));
    return [...probeChannels].map(([server, channel]) => ({
      name: `subscriber ${server}`.trimEnd(),
      run: () => this.#tryChannel(channel),
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

  /** Subscribes to the channel once more, in case Redis lost the subscription without the connection noticing. */
  renew(channel: string): void {
    const subscription = this.#subscriptions.get(channel);
    if (subscription) this.#command("ssubscribe", channel).catch(this.#onError);
  }

  /** Ends the subscription. Does nothing where there is none. */
  unsubscribe(channel: string): void {
    if (this.#subscriptions.delete(channel)) this.#command("sunsubscribe", channel).catch(this.#onError);
  }

  async #tryChannel(channel: string): Promise<void> {
    await this.#command("ssubscribe", channel);
    await this.#command("sunsubscribe", channel);
  }

  async #command(name: "ssubscribe" | "sunsubscribe", channel: string): Promise<void> {
    try {
      await this.#subscriber[name](channel);
      this.#missingSince = undefined;
    } catch (error) {
      if (NO_SUBSCRIBER.test(asError(error).message)) this.#noteMissing();
      throw error;
    }
  }

  /** Makes all connections anew once one has been missing for long: a failover is over by then. */
  #noteMissing(): void {
    const now = performance.now();
    this.#missingSince ??= now;
    if (now - this.#missingSince < this.#renewMs) return;
    this.#missingSince = undefined;
    renewSubscribers(this.#subscriber);
  }

  #receive(channel: Buffer, body: Buffer): void {
    try {
      this.#subscriptions.get(channel.toString())?.handler(body, channel);
    } catch (error) {
      this.#onError(asError(error));
    }
  }
}
