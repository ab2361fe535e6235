import { subscriptionEnded } from "../../../contract/answers.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { Topic } from "../../../contract/stream.ts";
import { backOff } from "../../../kernel/aws/bounded-requests.ts";
import type { StateView } from "../../../kernel/protocol/state-recovery.ts";
import { type CloseContext, closeConnection } from "../posting/close-connection.ts";
import type { Outbox } from "../posting/outbox.ts";
import { valueUnavailable } from "../streams/held-state.ts";
import type { ConnectionState } from "../table/connections.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import type { RoomSubscribers } from "../table/room-subscribers.ts";
import type { StartFields } from "../table/start-fields.ts";
import type { CatchUp } from "./catch-up.ts";
import { StartFinder, type StartFinderContext } from "./start-finder.ts";

/** Most attempts to catch up with a stream that keeps moving. The fan-out waits after a few, so that it rarely takes more. */
const MAXIMUM_ROUNDS = 20;

/** Time for which failed steps are retried, in ms: the client has its answer, and relies on it. */
const GO_LIVE_MS = 7_000;

export interface GoLiveContext extends StartFinderContext, CloseContext {
  readonly subscribers: RoomSubscribers;
}

interface GoLiveOptions {
  readonly connection: ConnectionState;
  readonly catchUp: CatchUp;
  readonly outbox: Outbox;
}

const incomplete = (): ChannelError =>
  new ChannelError("unavailable", "the subscription could not be completed; subscribe again");

type Attempt = (subscriber: RoomSubscriber, start: StartFields) => Promise<boolean>;

/**
 * Completes a `subscribe` after its answer. From here on nothing is refused: failed steps are retried; after that the
 * client is sent the end of the subscription, and where that fails too the connection is closed.
 */
export class GoLive {
  readonly #context: GoLiveContext;
  readonly #options: GoLiveOptions;
  readonly #starts: StartFinder;
  readonly #deadline = performance.now() + GO_LIVE_MS;
  #pending: readonly RoomSubscriber[];
  /** Those whose stream has a damaged value. */
  #damaged: readonly RoomSubscriber[] = [];
  readonly #live: { readonly topic: Topic; readonly view: StateView; readonly start: StartFields }[] = [];

  /** @param waiting the subscribers as they were before the answer was read. */
  constructor(context: GoLiveContext, options: GoLiveOptions, waiting: readonly RoomSubscriber[]) {
    this.#context = context;
    this.#options = options;
    this.#starts = new StartFinder(context, options.connection.id, options.catchUp);
    this.#pending = waiting;
  }

  /** Resolves once every subscriber is live, or ended. Never rejects. */
  async run(): Promise<void> {
    const { subscribers } = this.#context;
    const goLive: Attempt = (subscriber, start) => subscribers.goLive(subscriber, start);
    const forceLive: Attempt = (subscriber, start) => subscribers.forceLive(subscriber, start);
    this.#dropDamaged();
    for (let round = 1; this.#isPending; round += 1) {
      const isLast = round === MAXIMUM_ROUNDS;
      if (!(await this.#retry(() => this.#tryAll(isLast ? forceLive : goLive)))) break;
      if (isLast) this.#pending = [];
      if (this.#isPending && !(await this.#retry(() => this.#follow()))) break;
    }
    await this.#saveLive();
    if (this.#isPending) await this.#end(this.#pending, incomplete());
    if (this.#damaged.length > 0 && !this.#options.outbox.isGone) await this.#end(this.#damaged, valueUnavailable());
  }

  get #isPending(): boolean {
    return this.#pending.length > 0 && !this.#options.outbox.isGone;
  }

  /** Repeats a step until it succeeds; resolves with false where time is up. */
  async #retry(step: () => Promise<void>): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await step();
        return true;
      } catch (error) {
        this.#context.onError(error, "go live");
        if (performance.now() > this.#deadline) return false;
        await backOff(attempt);
      }
    }
  }

  /** Leaves pending the subscribers that a fan-out has skipped since they were read, and those whose outcome is unknown. */
  async #tryAll(attempt: Attempt): Promise<void> {
    const pending = this.#pending;
    const results = await Promise.allSettled(pending.map((subscriber) => this.#tryOne(subscriber, attempt)));
    this.#pending = pending.filter((_, index) => {
      const result = results[index];
      return result?.status !== "fulfilled" || !result.value;
    });
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  async #tryOne(subscriber: RoomSubscriber, attempt: Attempt): Promise<boolean> {
    const start = await this.#starts.find(subscriber);
    if (!(await attempt(subscriber, start))) return false;
    this.#live.push({ topic: subscriber.topic, view: subscriber.view, start });
    return true;
  }

  /** Delivers what came meanwhile to those that were skipped; drops those that another `subscribe` has taken over. */
  async #follow(): Promise<void> {
    const { connection, catchUp } = this.#options;
    const found = await Promise.all(
      this.#pending.map(async (subscriber) => {
        const current = await this.#context.subscribers.find(connection.id, subscriber.topic);
        return current?.attempt === subscriber.attempt && !current.isLive ? current : undefined;
      }),
    );
    const following = found.filter((subscriber) => subscriber !== undefined);
    await catchUp.follow(following);
    this.#pending = following;
    this.#dropDamaged();
  }

  #dropDamaged(): void {
    const { catchUp } = this.#options;
    const isDamaged = ({ topic }: RoomSubscriber): boolean => catchUp.isDamaged(topic);
    this.#damaged = [...this.#damaged, ...this.#pending.filter(isDamaged)];
    this.#pending = this.#pending.filter((subscriber) => !isDamaged(subscriber));
  }

  /** Saves the live state. If that fails, the next `ping` finds the state on the subscribers' rows. */
  async #saveLive(): Promise<void> {
    const { connections, onError } = this.#context;
    const live = this.#live.map(({ topic, view, start }) => ({
      topic,
      view,
      isLive: true,
      newestStart: start.startId ?? start.newestStart,
    }));
    await connections.saveSubscriptions(this.#options.connection, live).catch((error) => onError(error, "save"));
  }

  async #end(subscribers: readonly RoomSubscriber[], error: ChannelError): Promise<void> {
    const { connections, onError } = this.#context;
    const { connection, outbox } = this.#options;
    const topics = subscribers.map(({ topic }) => topic);
    try {
      await connections.leave(connection, topics);
      outbox.addAll(topics.map((topic) => ({ event: "error", data: subscriptionEnded(topic, error) }) as const));
      await outbox.flush();
    } catch (failure) {
      onError(failure, "end");
      outbox.clear();
      await closeConnection(this.#context, connection);
    }
  }
}
