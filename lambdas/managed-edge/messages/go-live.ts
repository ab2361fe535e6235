import { subscriptionEnded } from "../../../contract/answers.ts";
import { ChannelError } from "../../../contract/errors.ts";
import { backOff } from "../../../kernel/aws/aws-bounds.ts";
import { type CloseContext, closeConnection } from "../posting/close-connection.ts";
import type { Outbox } from "../posting/outbox.ts";
import type { ConnectionState } from "../table/connections.ts";
import type { Listener } from "../table/room-subscriber.ts";
import type { Listeners } from "../table/room-subscribers.ts";
import type { StartFields } from "../table/start-fields.ts";
import type { CatchUp } from "./catch-up.ts";
import { StartFinder, type StartFinderContext } from "./start-finder.ts";

/** Rounds of catching up with a stream that does not rest. The fan-out waits after some, so that few ever need as many. */
const MAXIMUM_ROUNDS = 20;

/** For so long, in ms, what fails is tried again: the client has its answer, and relies on it. */
const GO_LIVE_MS = 7_000;

export interface GoLiveContext extends StartFinderContext, CloseContext {
  readonly listeners: Listeners;
}

interface GoLiveOptions {
  readonly connection: ConnectionState;
  readonly catchUp: CatchUp;
  readonly outbox: Outbox;
}

type Try = (listener: Listener, start: StartFields) => Promise<boolean>;

/**
 * Makes true what the answer has said. From here on nothing is refused: what fails is tried again; then the client is
 * told that the subscription has ended, and where that cannot be done the connection is closed.
 */
export class GoLive {
  readonly #context: GoLiveContext;
  readonly #options: GoLiveOptions;
  readonly #starts: StartFinder;
  readonly #deadline = performance.now() + GO_LIVE_MS;
  #pending: readonly Listener[];
  readonly #live: { readonly stream: Listener["stream"]; readonly start: StartFields }[] = [];

  /** @param waiting the listeners as they were before the answer was read. */
  constructor(context: GoLiveContext, options: GoLiveOptions, waiting: readonly Listener[]) {
    this.#context = context;
    this.#options = options;
    this.#starts = new StartFinder(context, options.connection, options.catchUp);
    this.#pending = waiting;
  }

  /** Resolves once all are live, or ended. Never rejects. */
  async run(): Promise<void> {
    const { listeners } = this.#context;
    const goLive: Try = (listener, start) => listeners.goLive(listener, start);
    const forceLive: Try = (listener, start) => listeners.forceLive(listener, start);
    for (let round = 1; this.#isPending; round += 1) {
      const isLast = round === MAXIMUM_ROUNDS;
      if (!(await this.#insist(() => this.#tryAll(isLast ? forceLive : goLive)))) break;
      if (isLast) this.#pending = [];
      if (this.#isPending && !(await this.#insist(() => this.#follow()))) break;
    }
    await this.#note();
    if (this.#isPending) await this.#end();
  }

  get #isPending(): boolean {
    return this.#pending.length > 0 && !this.#options.outbox.isGone;
  }

  /** Takes a step, which may be taken again where it fails, until it succeeds; false where time is up. */
  async #insist(step: () => Promise<void>): Promise<boolean> {
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

  /** Leaves pending those that a fan-out has passed by since they were read, and those of which nobody knows. */
  async #tryAll(attempt: Try): Promise<void> {
    const pending = this.#pending;
    const results = await Promise.allSettled(pending.map((listener) => this.#tryOne(listener, attempt)));
    this.#pending = pending.filter((_, index) => {
      const result = results[index];
      return result?.status !== "fulfilled" || !result.value;
    });
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  async #tryOne(listener: Listener, attempt: Try): Promise<boolean> {
    const start = await this.#starts.find(listener);
    if (!(await attempt(listener, start))) return false;
    this.#live.push({ stream: listener.stream, start });
    return true;
  }

  /** Delivers what came meanwhile to those that were passed by; leaves out whom another `subscribe` has taken over. */
  async #follow(): Promise<void> {
    const { connection, catchUp } = this.#options;
    const found = await Promise.all(
      this.#pending.map(async (listener) => {
        const current = await this.#context.listeners.find(connection.id, listener.stream);
        return current?.attempt === listener.attempt && !current.isLive ? current : undefined;
      }),
    );
    const following = found.filter((listener) => listener !== undefined);
    await catchUp.follow(following);
    this.#pending = following;
  }

  /** Where it fails, the next `ping` finds out from the listeners' rows. */
  async #note(): Promise<void> {
    const { connections, onError } = this.#context;
    const live = this.#live.map(({ stream, start }) => ({
      stream,
      isLive: true,
      newestStart: start.startId ?? start.newestStart,
    }));
    await connections.note(this.#options.connection, live).catch((error) => onError(error, "note"));
  }

  async #end(): Promise<void> {
    const { connections, onError } = this.#context;
    const { connection, outbox } = this.#options;
    const streams = this.#pending.map(({ stream }) => stream);
    const error = new ChannelError("unavailable", "the subscription could not be completed; subscribe again");
    try {
      await connections.leave(connection, streams);
      outbox.addAll(streams.map((stream) => ({ event: "error", data: subscriptionEnded(stream, error) }) as const));
      await outbox.flush();
    } catch (failure) {
      onError(failure, "end");
      outbox.clear();
      await closeConnection(this.#context, connection);
    }
  }
}
