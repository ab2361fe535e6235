import type { Channel } from "../../contract/channels.ts";
import { MAXIMUM_SUBSCRIPTIONS } from "../../contract/limits.ts";
import { channelTraits } from "./channel-traits.ts";
import { Connection } from "./connection.ts";
import { Liveness } from "./liveness.ts";
import { messageQueue } from "./message-queue.ts";
import { Receiver } from "./receiver.ts";
import type { SharedSubscription } from "./shared-subscription.ts";
import { Slots } from "./slots.ts";
import { SubscriptionRegistry } from "./subscription-registry.ts";
import { checkStart, createTopic } from "./topic.ts";
import type {
  ConnectionStatus,
  Edge,
  Message,
  RealtimeClientOptions,
  SubscribeOptions,
  Subscription,
} from "./types.ts";

/** How long a subscription stays on the wire without a holder, in ms: one component often replaces another. */
const LINGER_MS = 1_000;

const edgeOf = (url: string): Edge => (/^wss?:/.test(url) ? "managed" : "gateway");

const STALE_AFTER_MS = { gateway: 15_000, managed: 75_000 };

/** What an application's error listener throws is for the platform to report: it must not stop the client. */
function reportTo(onError: (error: Error) => void, error: Error): void {
  try {
    onError(error);
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}

/** Options of `messages`: those of `subscribe` without the functions. */
export interface MessagesOptions<C extends Channel>
  extends Pick<SubscribeOptions<C>, "marketId" | "lastId" | "maxRate" | "onGap" | "onStatus"> {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}

/**
 * Live channels over one connection: it reconnects and resumes by itself, delivers every message once and in order, and
 * shares what several parts of an application subscribe to.
 *
 * @example
 * const client = new RealtimeClient({ url: "https://realtime.example.com", token: () => session.token() });
 * client.subscribe("market:orderbook", { marketId: "m1", onMessage: ({ data }) => draw(data.yes.bids) });
 */
export class RealtimeClient {
  readonly #registry = new SubscriptionRegistry();
  readonly #connection: Connection;
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();
  readonly #onError: (error: Error) => void;
  readonly #liveness: Liveness;
  /** What nobody holds any more, until it is released. */
  readonly #lingering = new Slots<SharedSubscription>((all) => {
    for (const shared of all) this.#release(shared);
  });
  #isClosed = false;

  constructor({ autoConnect = true, edge, onError = () => undefined, ...options }: RealtimeClientOptions) {
    const chosen = edge ?? edgeOf(options.url);
    this.#onError = (error) => reportTo(onError, error);
    this.#connection = new Connection({
      ...options,
      edge: chosen,
      onError: this.#onError,
      onFull: () => this.#releaseLingering(),
      onAlive: () => this.#liveness.onAlive(),
      registry: this.#registry,
      onStatus: (status) => {
        for (const listener of this.#listeners) this.#guard(() => listener(status));
      },
    });
    this.#liveness = new Liveness({
      registry: this.#registry,
      staleAfterMs: options.staleAfterMs ?? STALE_AFTER_MS[chosen],
      isConnected: () => this.status === "connected",
      probe: () => this.probe(),
      verify: (subscription) => this.#connection.verify(subscription),
    });
    // A microtask later, so that a client that is closed again in the same turn never connects.
    if (autoConnect) queueMicrotask(() => this.resume());
  }

  /** The state of the connection; that of a subscription is its own `status`. */
  get status(): ConnectionStatus {
    return this.#connection.status;
  }

  /** Whether `close` was called: nothing can be subscribed to any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls back with every change of `status`, until the function that it returns is called. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Subscribes to a channel, or to one market of it. Any number of subscriptions to the same are one for the service.
   *
   * @throws RangeError for a channel, `marketId`, `lastId` or `maxRate` that the service would refuse; Error on a client
   *   that is closed.
   */
  subscribe<C extends Channel>(channel: C, options: SubscribeOptions<C>): Subscription {
    if (this.#isClosed) throw new Error("the client is closed");
    const topic = { ...createTopic(channel, options.marketId), channel };
    checkStart(topic, options.lastId);
    const shared = this.#registry.obtain(topic);
    const receiver: Receiver<C> = new Receiver({
      topic,
      isLatest: shared.isLatest,
      hasOneStream: shared.hasOneStream,
      options,
      condition: () => shared.conditions.current,
      onClose: () => this.#remove(shared, receiver as unknown as Receiver),
      onListenerError: (error) => this.#onError(error instanceof Error ? error : new Error(String(error))),
    });
    this.#lingering.cancel(shared);
    // The registry files it under its own channel, so it gets that channel's messages alone.
    const needsRequest = shared.add(receiver as unknown as Receiver, options.lastId !== undefined);
    // More than the service takes at once: what nobody holds any more goes first.
    if (this.#registry.size > MAXIMUM_SUBSCRIPTIONS) this.#releaseLingering();
    if (needsRequest) this.#connection.ask(shared);
    else this.#connection.ensure(shared);
    return receiver;
  }

  /**
   * The messages of a channel, for `for await`. Leaving the loop, or the signal, ends the subscription. While the loop is
   * busy, `latest` channels keep the newest value of each market; the others keep everything, up to 10,000 messages.
   *
   * Throws ChannelError from the loop where the service refuses the subscription, or the loop falls further behind.
   */
  messages<C extends Channel>(channel: C, options: MessagesOptions<C> = {}): AsyncIterableIterator<Message<C>> {
    const isLatest = channelTraits(channel).delivery === "latest";
    const { signal, ...rest } = options;
    return messageQueue<C>({
      isLatest,
      signal,
      subscribe: (listeners) => this.subscribe(channel, { ...rest, ...listeners }),
    });
  }

  /**
   * Asks for a token and renews it in place, as after a login. Resolves once the service has taken it; without a
   * connection at once, since the next one asks for a token anyway.
   *
   * Rejects with the ChannelError of a refusal, or with what the token function throws.
   */
  authenticate(): Promise<void> {
    return this.#connection.renew();
  }

  /** Drops the connection, makes another one at once, and resumes. */
  reconnect(): void {
    this.#connection.restart();
  }

  /**
   * Asks the service for a sign of life; without one within 3 s another connection is made at once, and one that waits for
   * its next attempt makes it now. A browser's `online` and `visibilitychange` events lead to it anyway; call it where
   * the platform has other ones.
   */
  probe(): void {
    if (!this.#isClosed) this.#connection.probe();
  }

  /** Disconnects and stays away, as in the background; the subscriptions wait. */
  pause(): void {
    this.#liveness.unwatch();
    this.#connection.stop();
  }

  /** Connects again after `pause`; the subscriptions resume from where they were. */
  resume(): void {
    if (this.#isClosed) return;
    this.#liveness.watch();
    this.#connection.start();
  }

  /** Ends the connection, all subscriptions and timers, for good. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#liveness.stop();
    this.#lingering.stop();
    for (const { receivers } of this.#registry.all) for (const receiver of [...receivers]) receiver.close();
    this.#connection.stop();
    this.#listeners.clear();
  }

  #remove(shared: SharedSubscription, receiver: Receiver): void {
    shared.receivers.delete(receiver);
    if (shared.receivers.size > 0 || this.#isClosed) return;
    this.#lingering.schedule(shared, LINGER_MS);
  }

  #release(shared: SharedSubscription): void {
    this.#lingering.cancel(shared);
    if (!this.#registry.has(shared)) return;
    this.#registry.remove(shared);
    this.#connection.leave(shared);
  }

  #releaseLingering(): void {
    for (const shared of this.#registry.lingering) this.#release(shared);
  }

  #guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
