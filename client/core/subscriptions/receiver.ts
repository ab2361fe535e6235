import type { Channel } from "../../../contract/channels.ts";
import type { Depth } from "../../../contract/limits.ts";
import type { DataMessage } from "../../../contract/messages.ts";
import { stateFormat } from "../../../contract/state/state-formats.ts";
import type { StreamReply } from "../positions/stream-position.ts";
import { type Step, StreamPositions } from "../positions/stream-positions.ts";
import { StateViews } from "../states/state-views.ts";
import type { StreamKey, Topic } from "../topics/topic.ts";
import type { Message, SubscribeOptions, Subscription, SubscriptionStatus } from "../types.ts";
import { RateLimit } from "./rate-limit.ts";
import type { Health } from "./subscription-health.ts";

export interface ReceiverOptions<C extends Channel> {
  readonly topic: Topic & { readonly channel: C };
  /** True if only the newest value of a stream counts. */
  readonly isLatest: boolean;
  /** True if the subscription has one stream, which is then named by its topic's market. */
  readonly hasOneStream: boolean;
  readonly options: SubscribeOptions<C>;
  readonly health: () => Health;
  /** Removes the receiver from its shared subscription. */
  readonly onClose: () => void;
  /** Called with what the application's own functions throw: one listener that throws must not stop the others. */
  readonly onListenerError: (error: unknown) => void;
}

/** One caller of `subscribe`, with its own positions and status in a subscription that others may share. */
export class Receiver<C extends Channel = Channel> implements Subscription {
  readonly channel: C;
  readonly marketId: string | undefined;
  /** Values per second at most. Undefined for all, and on channels that deliver every message. */
  readonly maxRate: number | undefined;
  /** Levels a side. Undefined for all, and on channels without levels. */
  readonly depth: Depth | undefined;
  readonly positions: StreamPositions;
  readonly #options: ReceiverOptions<C>;
  readonly #rateLimit: RateLimit<DataMessage<C>> | undefined;
  readonly #views: StateViews | undefined;
  #status: SubscriptionStatus = "subscribing";
  #wasLive = false;
  #isClosed = false;

  constructor(options: ReceiverOptions<C>) {
    const { topic, isLatest, hasOneStream, options: own } = options;
    this.#options = options;
    this.channel = topic.channel;
    this.marketId = topic.marketId;
    const only = hasOneStream ? { key: topic.marketId } : undefined;
    this.positions = new StreamPositions({ isLatest, only, lastId: own.lastId });
    this.maxRate = isLatest ? own.maxRate : undefined;
    if (this.maxRate !== undefined) {
      this.#rateLimit = new RateLimit(this.maxRate, (message) => this.#show(message));
    }
    const format = stateFormat(topic.channel);
    this.depth = format?.limit ? own.depth : undefined;
    this.#views = format && new StateViews({ format, depth: this.depth });
  }

  get status(): SubscriptionStatus {
    return this.#status;
  }

  /** Returns whether a message has all levels that the receiver needs. */
  covers({ depth }: DataMessage): boolean {
    return depth === undefined || (this.depth !== undefined && this.depth <= depth);
  }

  /**
   * Delivers a message if it follows the position. Returns how it relates to it.
   *
   * @param isOtherView whether the position is an id of another view, which does not compare with the message's
   */
  take(key: StreamKey, message: DataMessage<C>, isOtherView = false): Step {
    if (this.#views && !this.covers(message)) return "ignore";
    const step = isOtherView ? this.positions.move(key, message.id) : this.positions.take(key, message);
    if (step === "apply") {
      if (this.#rateLimit) this.#rateLimit.offer(key, message);
      else this.#show(message);
    }
    if (step === "hole" || this.#status !== "live") this.refresh();
    return step;
  }

  /** Applies what a reply says about one stream, and reports a gap. */
  applyReply(reply: StreamReply): void {
    const after = this.positions.applyReply(reply);
    if (after === undefined) return;
    const market = reply.key === undefined ? {} : { marketId: reply.key };
    this.#call(() => this.#options.options.onGap?.({ channel: this.channel, ...market, after }));
  }

  /** Updates the status. */
  refresh(): void {
    const health = this.#options.health();
    const status = this.#statusFor(health);
    const isFailing = status === "error" && this.#status !== "error";
    if (status === "live") this.#wasLive = true;
    this.#setStatus(status);
    if (isFailing && health instanceof Error) this.#call(() => this.#options.options.onError?.(health));
  }

  /** Forgets everything, because the streams now belong to another user. */
  reset(): void {
    this.positions.reset();
    this.#rateLimit?.stop();
    this.#views?.clear();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#rateLimit?.stop();
    this.#options.onClose();
  }

  #show(message: DataMessage<C>): void {
    const shown = this.#views ? this.#views.show(message) : message;
    if (shown) this.#call(() => this.#options.options.onMessage(shown as unknown as Message<C>));
  }

  #statusFor(health: Health): SubscriptionStatus {
    if (health instanceof Error) return "error";
    if (health === "pending" || !this.#isCaughtUp) return this.#wasLive ? "resuming" : "subscribing";
    return health === "silent" ? "stale" : "live";
  }

  /** A live receiver stays live while a reply names newer messages: they are on their way until known to be missing. */
  get #isCaughtUp(): boolean {
    const wasCaughtUp = this.#status === "live" || this.#status === "stale";
    return this.positions.isCaughtUp || (wasCaughtUp && !this.positions.isIncomplete);
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
