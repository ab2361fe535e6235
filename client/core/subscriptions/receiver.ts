import type { Channel } from "../../../contract/channels.ts";
import type { DataMessage } from "../../../contract/messages.ts";
import { type Settlement, type Step, Track } from "../positions/stream-positions.ts";
import type { StreamKey, Topic } from "../topics/topic.ts";
import type { Message, SubscribeOptions, Subscription, SubscriptionStatus } from "../types.ts";
import { RateLimit } from "./rate-limit.ts";
import type { Condition } from "./subscription-health.ts";

export interface ReceiverOptions<C extends Channel> {
  readonly topic: Topic & { readonly channel: C };
  readonly isLatest: boolean;
  /** Whether the subscription has one stream, which is then named by its topic's market. */
  readonly hasOneStream: boolean;
  readonly options: SubscribeOptions<C>;
  readonly condition: () => Condition;
  /** Takes the receiver off its shared subscription. */
  readonly onClose: () => void;
  /** Called with what the application's own functions throw: one broken listener must not stop the others. */
  readonly onListenerError: (error: unknown) => void;
}

/** Gives one holder of a subscription its own place in each stream, and its own status. */
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
    const { topic, isLatest, hasOneStream, options: own } = options;
    this.#options = options;
    this.channel = topic.channel;
    this.marketId = topic.marketId;
    const only = hasOneStream ? { key: topic.marketId } : undefined;
    this.track = new Track({ isLatest, only, lastId: own.lastId });
    this.maxRate = isLatest ? own.maxRate : undefined;
    if (this.maxRate !== undefined) {
      this.#rateLimit = new RateLimit(this.maxRate, (message) => this.#call(() => own.onMessage(message)));
    }
  }

  get status(): SubscriptionStatus {
    return this.#status;
  }

  take(key: StreamKey, message: DataMessage<C>): Step {
    const step = this.track.take(key, message);
    if (step === "apply") {
      if (this.#rateLimit) this.#rateLimit.offer(key, message);
      else this.#call(() => this.#options.options.onMessage(message));
    }
    if (step === "hole" || this.#status !== "live") this.refresh();
    return step;
  }

  settle(key: StreamKey, settlement: Settlement): void {
    const after = this.track.settle(key, settlement);
    if (after === undefined) return;
    const market = key === undefined ? {} : { marketId: key };
    this.#call(() => this.#options.options.onGap?.({ channel: this.channel, ...market, after }));
  }

  /** Sets the status to what is true now. */
  refresh(): void {
    const condition = this.#options.condition();
    const status = this.#statusIn(condition);
    const isFailing = status === "error" && this.#status !== "error";
    if (status === "live") this.#wasLive = true;
    this.#setStatus(status);
    if (isFailing && condition instanceof Error) this.#call(() => this.#options.options.onError?.(condition));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rateLimit?.stop();
    this.#options.onClose();
  }

  #statusIn(condition: Condition): SubscriptionStatus {
    if (condition instanceof Error) return "error";
    if (condition === "waiting" || !this.#isLevel) return this.#wasLive ? "resuming" : "subscribing";
    return condition === "silent" ? "stale" : "live";
  }

  /** A live one stays so while an answer names something newer: that is on its way, until it is known to be missing. */
  get #isLevel(): boolean {
    const wasLevel = this.#status === "live" || this.#status === "stale";
    return this.track.isLevel || (wasLevel && !this.track.isIncomplete);
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
