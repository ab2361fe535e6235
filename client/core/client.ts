import type { Channel } from "../../contract/channels.ts";
import { MAXIMUM_SUBSCRIPTIONS } from "../../contract/limits.ts";
import { ConnectionManager } from "./connection/connection-manager.ts";
import { Liveness } from "./connection/liveness.ts";
import { messageIterator } from "./subscriptions/message-iterator.ts";
import { Receiver } from "./subscriptions/receiver.ts";
import type { SharedSubscription } from "./subscriptions/shared-subscription.ts";
import { SubscriptionRegistry } from "./subscriptions/subscription-registry.ts";
import { BatchedTimers } from "./timing/batched-timers.ts";
import { isConflated } from "./topics/channel-traits.ts";
import { checkDepth, checkStart, createTopic } from "./topics/topic.ts";
import type {
  ClientStatistics,
  ConnectionStatus,
  Edge,
  Message,
  RealtimeClientOptions,
  SubscribeOptions,
  Subscription,
} from "./types.ts";

/** Time that a subscription outlives its last receiver, in ms, because one component often replaces another. */
const LINGER_MS = 1_000;

const edgeOf = (url: string): Edge => (/^wss?:/.test(url) ? "managed" : "gateway");

const STALE_AFTER_MS = { gateway: 15_000, managed: 75_000 };

/** Calls the application's error listener. What that throws is left to the platform to report: it must not stop the client. */
function reportTo(onError: (error: Error) => void, error: Error): void {
  try {
    onError(error);
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}

/** Options of `messages`. */
export interface MessagesOptions<C extends Channel>
  extends Pick<SubscribeOptions<C>, "marketId" | "lastId" | "maxRate" | "depth" | "onGap" | "onStatus"> {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}

/**
 * Subscribes to channels over one connection. Reconnects and resumes automatically, delivers every message once and in
 * order, and shares subscriptions between the parts of an application.
 *
 * @example
 * const client = new RealtimeClient({ url: "https://realtime.example.com", token: () => session.token() });
 * client.subscribe("market:orderbook", { marketId: "m1", onMessage: ({ data }) => draw(data.yes.bids) });
 */
export class RealtimeClient {
  readonly #registry = new SubscriptionRegistry();
  readonly #connection: ConnectionManager;
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();
  readonly #onError: (error: Error) => void;
  readonly #liveness: Liveness;
  /** Subscriptions that a receiver has left, until they are released or requested for those that are left. */
  readonly #lingering = new BatchedTimers<SharedSubscription>((all) => {
    for (const shared of all) this.#settle(shared);
  });
  #isClosed = false;

  constructor({ autoConnect = true, edge, onError = () => undefined, ...options }: RealtimeClientOptions) {
    const chosen = edge ?? edgeOf(options.url);
    this.#onError = (error) => reportTo(onError, error);
    this.#connection = new ConnectionManager({
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

  /** The status of the connection. Each subscription has its own `status`. */
  get status(): ConnectionStatus {
    return this.#connection.status;
  }

  /** Counts since the client was created. */
  get statistics(): ClientStatistics {
    const { verifiedStates, wrongStates } = this.#registry;
    return { verifiedStates, wrongStates };
  }

  /** True if `close` was called, after which `subscribe` throws. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Calls the listener with every change of `status`, until the returned function is called. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Subscribes to a channel, or to one market of it. Several subscriptions to the same topic are one for the service.
   *
   * @throws RangeError for a channel, `marketId`, `lastId`, `maxRate` or `depth` that the service would refuse; Error after `close`.
   */
  subscribe<C extends Channel>(channel: C, options: SubscribeOptions<C>): Subscription {
    if (this.#isClosed) throw new Error("the client is closed");
    const topic = { ...createTopic(channel, options.marketId), channel };
    checkStart(topic, options.lastId);
    checkDepth(topic, options.depth);
    const shared = this.#registry.obtain(topic);
    const receiver: Receiver<C> = new Receiver({
      topic,
      isLatest: shared.isLatest,
      hasOneStream: shared.hasOneStream,
      options,
      health: () => shared.health.current,
      onClose: () => this.#remove(shared, receiver as unknown as Receiver),
      onListenerError: (error) => this.#onError(error instanceof Error ? error : new Error(String(error))),
    });
    this.#lingering.cancel(shared);
    // The registry keeps it under its own channel, so it gets only that channel's messages.
    const needsRequest = shared.add(receiver as unknown as Receiver, options.lastId !== undefined);
    // Above the limit of a connection, subscriptions without receivers are released first.
    if (this.#registry.size > MAXIMUM_SUBSCRIPTIONS) this.#releaseLingering();
    if (needsRequest) this.#connection.subscribe(shared);
    else this.#connection.ensureSubscribed(shared);
    this.#updateMarkets(shared);
    return receiver;
  }

  /**
   * Iterates over the messages of a channel, for `for await`. Leaving the loop, or the signal, ends the subscription. While
   * the loop is busy, `latest` and `state` channels keep the newest value of each market, the others up to 10,000 messages.
   *
   * The loop throws a ChannelError if the service refuses the subscription, or if the loop falls further behind.
   */
  messages<C extends Channel>(channel: C, options: MessagesOptions<C> = {}): AsyncIterableIterator<Message<C>> {
    const isLatest = isConflated(channel);
    const { signal, ...rest } = options;
    return messageIterator<C>({
      isLatest,
      signal,
      subscribe: (listeners) => this.subscribe(channel, { ...rest, ...listeners }),
    });
  }

  /**
   * Fetches a token and replaces the current one in place, as after a login. Resolves once the service has accepted it;
   * without a connection immediately, since the next one fetches a token anyway.
   *
   * Rejects with the ChannelError of a refusal, or with what the token function throws.
   */
  authenticate(): Promise<void> {
    return this.#connection.renew();
  }

  /** Drops the connection, opens another one immediately, and resumes. */
  reconnect(): void {
    this.#connection.restart();
  }

  /**
   * Probes the connection, and opens another one if the service does not answer within 3 s. Without a connection, makes
   * the next attempt now. A browser's `online` and `visibilitychange` events do this already; call it where the platform
   * has other events.
   */
  probe(): void {
    if (!this.#isClosed) this.#connection.probe();
  }

  /** Disconnects until `resume`, as in the background. The subscriptions stay. */
  pause(): void {
    this.#liveness.unwatch();
    this.#connection.stop();
  }

  /** Connects again after `pause`. The subscriptions resume where they were. */
  resume(): void {
    if (this.#isClosed) return;
    this.#liveness.watch();
    this.#connection.start();
  }

  /** Ends the connection, all subscriptions and all timers. A closed client cannot be opened again. */
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
    if (this.#isClosed || (shared.receivers.size > 0 && !shared.receivers.areOutdated)) return;
    this.#lingering.schedule(shared, LINGER_MS);
  }

  /** Releases a subscription that no receiver uses, or requests no more than its receivers need. */
  #settle(shared: SharedSubscription): void {
    if (shared.receivers.size === 0) this.#release(shared);
    else if (shared.receivers.areOutdated) this.#connection.subscribe(shared);
  }

  /** Requests the single markets of a whole channel again where it changed what they need. */
  #updateMarkets({ channel, topic }: SharedSubscription): void {
    if (topic.marketId !== undefined) return;
    for (const each of this.#registry.marketsOf(channel))
      if (each.receivers.areOutdated) this.#connection.subscribe(each);
  }

  #release(shared: SharedSubscription): void {
    this.#lingering.cancel(shared);
    if (!this.#registry.has(shared)) return;
    this.#registry.remove(shared);
    this.#connection.unsubscribe(shared);
    this.#updateMarkets(shared);
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
