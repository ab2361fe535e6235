import type { Channel, ChannelError, Message, RealtimeClient, Subscription, SubscriptionStatus } from "../index.ts";
import { cancelFrame, onNextFrame } from "./frame.ts";

/** What a component sees of a channel. A new object for each frame in which something changed, never changed itself. */
export interface ChannelState<C extends Channel = Channel> {
  /** The newest message of any market. */
  readonly latest: Message<C> | undefined;
  /** The newest message of each market, on a channel that is split by market. */
  readonly byMarket: ReadonlyMap<string, Message<C>>;
  /** The newest messages, the oldest first; at most `keep`. */
  readonly messages: readonly Message<C>[];
  readonly status: SubscriptionStatus;
  /** Why the status is `error`. */
  readonly error: ChannelError | undefined;
}

const EMPTY: ChannelState<never> = {
  latest: undefined,
  byMarket: new Map(),
  messages: [],
  status: "subscribing",
  error: undefined,
};

/** The state before anything came; also what a server renders. */
export const emptyState = <C extends Channel>(): ChannelState<C> => EMPTY;

export interface ChannelStoreOptions<C extends Channel> {
  /** Null while there is no connection to have: the state stays empty. */
  readonly client: RealtimeClient | null;
  readonly channel: C;
  readonly marketId?: string | undefined;
  /** Where to begin; without it, with what comes. */
  readonly lastId?: string | undefined;
  /** Messages kept in `messages`. */
  readonly keep: number;
}

/** A subscription as an external store of React: subscribed while it has listeners, changed once per frame. */
export class ChannelStore<C extends Channel> {
  readonly #options: ChannelStoreOptions<C>;
  readonly #listeners = new Set<() => void>();
  #subscription: Subscription | undefined;
  #state: ChannelState<C> = emptyState();
  #pending: Message<C>[] = [];
  /** The newest of each market since the last frame. */
  readonly #newest = new Map<string, Message<C>>();
  #status: SubscriptionStatus = "subscribing";
  #error: ChannelError | undefined;

  constructor(options: ChannelStoreOptions<C>) {
    this.#options = options;
  }

  readonly getState = (): ChannelState<C> => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#close();
    };
  };

  #open(): void {
    const { channel, marketId } = this.#options;
    // A tree that is shown again has the client of before until its provider has made another one.
    const client = this.#options.client?.isClosed ? null : this.#options.client;
    const lastId = this.#lastId();
    this.#subscription = client?.subscribe(channel, {
      ...(marketId === undefined ? {} : { marketId }),
      ...(lastId === undefined ? {} : { lastId }),
      onMessage: (message) => this.#onMessage(message),
      onStatus: (status) => {
        this.#status = status;
        if (status !== "error") this.#error = undefined;
        onNextFrame(this.#flush);
      },
      onError: (error) => {
        this.#error = error;
        onNextFrame(this.#flush);
      },
    });
    if (this.#subscription) this.#status = this.#subscription.status;
    onNextFrame(this.#flush);
  }

  #close(): void {
    cancelFrame(this.#flush);
    this.#update();
    this.#subscription?.close();
    this.#subscription = undefined;
  }

  /** A store that is used again, as after a hidden `Activity`, goes on after the last message that it has. */
  #lastId(): string | Readonly<Record<string, string>> | undefined {
    const { latest, byMarket } = this.#state;
    if (!latest) return this.#options.lastId;
    if (this.#options.marketId !== undefined || byMarket.size === 0) return latest.id;
    return Object.fromEntries([...byMarket].map(([marketId, { id }]) => [marketId, id]));
  }

  #onMessage(message: Message<C>): void {
    if (message.marketId !== undefined) this.#newest.set(message.marketId, message);
    this.#pending.push(message);
    // In a page that is never drawn the messages that nobody will see must not pile up.
    if (this.#pending.length > 2 * this.#options.keep + 1) this.#pending = this.#pending.slice(-this.#options.keep - 1);
    onNextFrame(this.#flush);
  }

  readonly #flush = (): void => {
    if (this.#update()) for (const listener of this.#listeners) listener();
  };

  /** Returns whether there is a new state. */
  #update(): boolean {
    const { keep } = this.#options;
    const pending = this.#pending;
    if (pending.length === 0 && this.#state.status === this.#status && this.#state.error === this.#error) return false;
    const previous = this.#state;
    this.#state = {
      latest: pending.at(-1) ?? previous.latest,
      byMarket: this.#newest.size > 0 ? new Map([...previous.byMarket, ...this.#newest]) : previous.byMarket,
      messages: pending.length > 0 && keep > 0 ? [...previous.messages, ...pending].slice(-keep) : previous.messages,
      status: this.#status,
      error: this.#error,
    };
    this.#pending = [];
    this.#newest.clear();
    return true;
  }
}
