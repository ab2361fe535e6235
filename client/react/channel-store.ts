import {
  type Channel,
  ChannelError,
  type Depth,
  type Gap,
  type Message,
  type RealtimeClient,
  type Subscription,
  type SubscriptionStatus,
} from "../index.ts";
import { type ChannelState, type DeclaredGap, emptyState, NO_GAPS } from "./channel-state.ts";
import { cancelFrame, onNextFrame } from "./frame.ts";
import type { Store } from "./use-selected.ts";

export interface ChannelStoreOptions<C extends Channel> {
  /** Null if there is no client yet: the state stays empty. */
  readonly client: RealtimeClient | null;
  readonly channel: C;
  readonly marketId?: string | undefined;
  /** The position to start after. @default new messages only */
  readonly lastId?: string | Readonly<Record<string, string>> | undefined;
  readonly maxRate?: number | undefined;
  readonly depth?: Depth | undefined;
  /** Messages kept in `messages`. */
  readonly keep: number;
}

/** An external store for React: subscribes while it has listeners, and changes at most once per frame. */
export class ChannelStore<C extends Channel> implements Store<ChannelState<C>> {
  readonly #options: ChannelStoreOptions<C>;
  readonly #listeners = new Set<() => void>();
  #subscription: Subscription | undefined;
  #state: ChannelState<C> = emptyState();
  #pending: Message<C>[] = [];
  /** The newest message of each market since the last frame. */
  readonly #newest = new Map<string, Message<C>>();
  #status: SubscriptionStatus = "subscribing";
  #since: number | undefined;
  #error: ChannelError | undefined;
  #gaps = NO_GAPS;

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
    const { channel, marketId, maxRate, depth } = this.#options;
    // A tree that is shown again has the closed client until its provider has created another one.
    const client = this.#options.client?.isClosed ? null : this.#options.client;
    const lastId = this.#lastId();
    this.#subscription = this.#subscribe(() =>
      client?.subscribe(channel, {
        ...(marketId === undefined ? {} : { marketId }),
        ...(lastId === undefined ? {} : { lastId }),
        ...(maxRate === undefined ? {} : { maxRate }),
        ...(depth === undefined ? {} : { depth }),
        onMessage: (message) => this.#onMessage(message),
        onStatus: (status) => this.#onStatus(status),
        onError: (error) => {
          this.#error = error;
          onNextFrame(this.#flush);
        },
        onGap: (gap) => this.#onGap(gap),
      }),
    );
    if (this.#subscription) this.#onStatus(this.#subscription.status);
    else onNextFrame(this.#flush);
  }

  /** Turns invalid arguments into the status `error`, like a refusal of the service: they must not unmount the tree. */
  #subscribe(subscribe: () => Subscription | undefined): Subscription | undefined {
    try {
      return subscribe();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#onStatus("error");
      this.#error = new ChannelError("bad_request", error.message, { cause: error });
      return undefined;
    }
  }

  #close(): void {
    // Nothing arrives from here on: a tree that is shown again must not start with `live`.
    if (this.#subscription) this.#onStatus("subscribing");
    cancelFrame(this.#flush);
    this.#update();
    this.#subscription?.close();
    this.#subscription = undefined;
  }

  /** Returns the position to start after. A store that is used again, as after a hidden `Activity`, resumes. */
  #lastId(): string | Readonly<Record<string, string>> | undefined {
    const { latest, byMarket } = this.#state;
    // The value of a depth is sent again: its id does not compare with those of another depth.
    if (!latest || this.#options.depth !== undefined) return this.#options.lastId;
    if (this.#options.marketId !== undefined || byMarket.size === 0) return latest.id;
    return Object.fromEntries([...byMarket].map(([marketId, { id }]) => [marketId, id]));
  }

  #onStatus(reported: SubscriptionStatus): void {
    // Each subscription starts with `subscribing`, but the data of the previous one is still shown.
    const hasData = this.#state.latest !== undefined || this.#pending.length > 0;
    const status = reported === "subscribing" && hasData ? "resuming" : reported;
    if (this.#since === undefined || (status === "live") !== (this.#status === "live")) this.#since = Date.now();
    this.#status = status;
    if (status !== "error") this.#error = undefined;
    onNextFrame(this.#flush);
  }

  #onGap(gap: Gap): void {
    const declared: DeclaredGap = { ...gap, at: Date.now() };
    this.#gaps = [...this.#gaps.filter(({ marketId }) => marketId !== gap.marketId), declared];
    onNextFrame(this.#flush);
  }

  readonly #acknowledgeGaps = (): void => {
    this.#gaps = NO_GAPS;
    onNextFrame(this.#flush);
  };

  #onMessage(message: Message<C>): void {
    if (message.marketId !== undefined) this.#newest.set(message.marketId, message);
    this.#pending.push(message);
    // In a page that is never drawn, messages that nobody will see must not accumulate.
    if (this.#pending.length > 2 * this.#options.keep + 1) this.#pending = this.#pending.slice(-this.#options.keep - 1);
    onNextFrame(this.#flush);
  }

  readonly #flush = (): void => {
    if (this.#update()) for (const listener of this.#listeners) listener();
  };

  get #isUnchanged(): boolean {
    const { status, since, error, gaps } = this.#state;
    const isAsFresh = status === this.#status && since === this.#since && error === this.#error;
    return isAsFresh && gaps === this.#gaps && this.#pending.length === 0;
  }

  /** Builds the next state. Returns whether there is one. */
  #update(): boolean {
    if (this.#isUnchanged) return false;
    const { keep } = this.#options;
    const pending = this.#pending;
    const previous = this.#state;
    this.#state = {
      latest: pending.at(-1) ?? previous.latest,
      byMarket: this.#newest.size > 0 ? new Map([...previous.byMarket, ...this.#newest]) : previous.byMarket,
      messages: pending.length > 0 && keep > 0 ? [...previous.messages, ...pending].slice(-keep) : previous.messages,
      status: this.#status,
      since: this.#since,
      error: this.#error,
      gap: this.#gaps.at(-1),
      gaps: this.#gaps,
      acknowledgeGaps: this.#acknowledgeGaps,
    };
    this.#pending = [];
    this.#newest.clear();
    return true;
  }
}
