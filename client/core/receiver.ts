import type { Channel } from "../../contract/channels.ts";
import type { ChannelError } from "../../contract/errors.ts";
import type { DataMessage } from "../../contract/frames.ts";
import { RateLimit } from "./rate-limit.ts";
import { type Settlement, type Step, Track } from "./track.ts";
import type { Message, SubscribeOptions, Subscription, SubscriptionStatus } from "./types.ts";

export interface ReceiverOptions<C extends Channel> {
  readonly channel: C;
  readonly isLatest: boolean;
  readonly options: SubscribeOptions<C>;
  /** Whether a connection carries the subscription. */
  readonly isCarried: () => boolean;
  /** Takes the receiver off its shared subscription. */
  readonly onClose: () => void;
  /** Hears what the application's own functions throw: one broken listener must not stop the others. */
  readonly onListenerError: (error: unknown) => void;
}

/** What one holder of a subscription gets: its own place in each stream, its own status. */
export class Receiver<C extends Channel = Channel> implements Subscription {
  readonly channel: C;
  readonly marketId: string | undefined;
  /** Values a second at the most; undefined for all, and where every message counts. */
  readonly maxRate: number | undefined;
  readonly track: Track;
  readonly #options: ReceiverOptions<C>;
  readonly #rateLimit: RateLimit<Message<C>> | undefined;
  #status: SubscriptionStatus = "subscribing";
  #wasLive = false;
  #isClosed = false;

  constructor(options: ReceiverOptions<C>) {
    const { channel, isLatest, options: own } = options;
    this.#options = options;
    this.channel = channel;
    this.marketId = own.marketId;
    this.track = new Track({ isLatest, lastId: own.lastId });
    if (typeof own.lastId === "string") this.track.setPosition(own.marketId ?? "", own.lastId);
    this.maxRate = isLatest ? own.maxRate : undefined;
    if (this.maxRate !== undefined) {
      this.#rateLimit = new RateLimit(this.maxRate, (message) => this.#call(() => own.onMessage(message)));
    }
  }

  get status(): SubscriptionStatus {
    return this.#status;
  }

  take(key: string, message: DataMessage<C>): Step {
    const step = this.track.take(key, message);
    if (step === "apply") {
      if (this.#rateLimit) this.#rateLimit.offer(key, message);
      else this.#call(() => this.#options.options.onMessage(message));
      if (this.#status !== "live") this.refresh();
    }
    return step;
  }

  settle(key: string, settlement: Settlement): void {
    const after = this.track.settle(key, settlement);
    if (after === undefined) return;
    const market = key === "" ? {} : { marketId: key };
    this.#call(() => this.#options.options.onGap?.({ channel: this.channel, ...market, after }));
  }

  /** Makes it live if it has all that there is, and a connection carries it. */
  refresh(): void {
    if (!this.track.isLevel || !this.#options.isCarried()) return;
    this.#wasLive = true;
    this.#setStatus("live");
  }

  /** Nothing comes for now. */
  interrupt(): void {
    this.#setStatus(this.#wasLive ? "resuming" : "subscribing");
  }

  markStale(): void {
    if (this.#status === "live") this.#setStatus("stale");
  }

  fail(error: ChannelError): void {
    if (this.#status === "error") return;
    this.#setStatus("error");
    this.#call(() => this.#options.options.onError?.(error));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rateLimit?.stop();
    this.#options.onClose();
  }

  #setStatus(status: SubscriptionStatus): void {
    if (status === this.#status || this.#isClosed) return;
    this.#status = status;
    this.#call(() => this.#options.options.onStatus?.(status));
  }

  #call(listener: () => void): void {
    if (this.#isClosed) return;
    try {
      listener();
    } catch (error) {
      this.#options.onListenerError(error);
    }
  }
}
