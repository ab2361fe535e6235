import { type ChannelError, errorCodes } from "../../contract/errors.ts";
import type { SubscribedMessage } from "../../contract/frames.ts";
import { Backoff } from "./backoff.ts";
import { parseSubscribed, toError } from "./frames.ts";
import type { AskedIds, SharedSubscription } from "./shared-subscription.ts";
import type { Transport } from "./transport.ts";
import { toRequests, type WireRequest } from "./wire-request.ts";

/** How long a heartbeat may be ahead of the messages before that counts as a hole, in ms. */
const PATIENCE_MS = 1_000;

/** Repairs of one subscription that follow each other faster than this wait, in ms. */
const REPAIR_PERIOD_MS = 5_000;

/** After this time without an answer a request is made again, in ms: a function that fails on the way says nothing. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Refusals for the moment, about a minute of them, after which another connection is tried. */
const MAXIMUM_FAILURES = 8;

interface RequestsOptions {
  readonly send: Transport["request"];
  readonly onSettled: () => void;
  /** A request was refused for the moment again and again: another connection may fare better. */
  readonly onStuck: () => void;
}

type Phase = "asking" | "waiting" | "live" | "refused";

/** What one connection knows of one subscription. */
interface State {
  phase: Phase;
  isInFlight: boolean;
  /** Refusals for the moment, one after the other. */
  failures: number;
  /** Whether to ask once more after the answer that is awaited. */
  isRepeated: boolean;
  /** Whether this connection has answered before, so that a request resumes in place. */
  isAnswered: boolean;
  /** Streams in which something is missing. */
  readonly suspects: Set<string>;
  readonly backoff: Backoff;
  timer?: ReturnType<typeof setTimeout> | undefined;
  patience?: ReturnType<typeof setTimeout> | undefined;
  repairedAt: number;
}

const nameOf = ({ channel, marketId = "" }: SharedSubscription): string => `${channel} ${marketId}`;

/** The subscribe requests of one connection: bundled, answered, made again where that helps. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #states = new Map<SharedSubscription, State>();
  /** Subscriptions whose end is not answered yet, by channel and market. */
  readonly #leaving = new Set<string>();
  readonly #queue = new Set<SharedSubscription>();
  #isStopped = false;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Whether no subscription waits for an answer. */
  get isSettled(): boolean {
    for (const { phase } of this.#states.values()) if (phase === "asking" || phase === "waiting") return false;
    return true;
  }

  /** Asks for a subscription from where its receivers are; several in one turn go out together. */
  ask(subscription: SharedSubscription): void {
    const state = this.#state(subscription);
    clearTimeout(state.timer);
    state.phase = "asking";
    if (state.isInFlight) {
      state.isRepeated = true;
      return;
    }
    // The managed edge runs requests side by side: the end of the one before could overtake this beginning.
    if (this.#leaving.has(nameOf(subscription))) return;
    if (this.#queue.size === 0) queueMicrotask(() => this.#flush());
    this.#queue.add(subscription);
  }

  /** Asks for what is missing in some streams of a subscription, unless an answer is on its way. */
  repair(subscription: SharedSubscription, keys: Iterable<string>): void {
    const state = this.#states.get(subscription);
    if (!state) return;
    for (const key of keys) state.suspects.add(key);
    if (state.phase !== "live") return;
    const isFrequent = Date.now() - state.repairedAt < REPAIR_PERIOD_MS;
    state.repairedAt = Date.now();
    if (isFrequent) {
      this.#askLater(subscription, state);
      return;
    }
    state.backoff.reset();
    this.ask(subscription);
  }

  /** Repairs what is still missing a moment later: messages may be on their way. */
  suspect(subscription: SharedSubscription, findBehind: () => ReadonlySet<string>): void {
    const state = this.#states.get(subscription);
    if (state?.phase !== "live" || state.patience !== undefined || findBehind().size === 0) return;
    state.patience = setTimeout(() => {
      state.patience = undefined;
      const behind = findBehind();
      if (behind.size > 0) this.repair(subscription, behind);
    }, PATIENCE_MS);
  }

  leave(subscription: SharedSubscription): void {
    this.#forget(subscription);
    const { channel, marketId } = subscription;
    const name = nameOf(subscription);
    this.#leaving.add(name);
    this.#options.send("unsubscribe", { channel, ...(marketId === undefined ? {} : { marketId }) }, () => {
      this.#leaving.delete(name);
      for (const [other, state] of this.#states) if (nameOf(other) === name && !state.isInFlight) this.ask(other);
    });
  }

  /** Takes note that the service has ended a subscription. Returns whether there was one. */
  end(subscription: SharedSubscription): boolean {
    const state = this.#states.get(subscription);
    if (state?.phase !== "live") return false;
    state.phase = "refused";
    state.isAnswered = false;
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    for (const subscription of [...this.#states.keys()]) this.#forget(subscription);
  }

  #state(subscription: SharedSubscription): State {
    const existing = this.#states.get(subscription);
    if (existing) return existing;
    const fresh: State = {
      phase: "asking",
      isInFlight: false,
      failures: 0,
      isRepeated: false,
      isAnswered: false,
      suspects: new Set(),
      backoff: new Backoff(),
      repairedAt: 0,
    };
    this.#states.set(subscription, fresh);
    return fresh;
  }

  #forget(subscription: SharedSubscription): void {
    const state = this.#states.get(subscription);
    clearTimeout(state?.timer);
    clearTimeout(state?.patience);
    this.#states.delete(subscription);
    this.#queue.delete(subscription);
  }

  #flush(): void {
    if (this.#isStopped) return;
    const asks = [...this.#queue].map((subscription) => {
      const state = this.#state(subscription);
      const only =
        state.isAnswered && !subscription.hasOneStream && state.suspects.size > 0 ? state.suspects : undefined;
      return { subscription, ids: subscription.idsToAsk(only) };
    });
    this.#queue.clear();
    for (const request of toRequests(asks)) this.#send(request);
  }

  #send(request: WireRequest): void {
    for (const { subscription } of request.asks) this.#state(subscription).isInFlight = true;
    let isDone = false;
    const finish = (answer: unknown): void => {
      if (isDone || this.#isStopped) return;
      isDone = true;
      clearTimeout(timer);
      this.#onAnswer(request, answer);
    };
    const timeout = { code: "unavailable", message: "the service did not answer" };
    const timer = setTimeout(() => finish(timeout), ANSWER_TIMEOUT_MS);
    this.#options.send("subscribe", request.content, finish);
  }

  #onAnswer(request: WireRequest, answer: unknown): void {
    const reply = parseSubscribed(answer);
    const error = toError(answer, reply);
    for (const { subscription, ids } of request.asks) {
      const state = this.#states.get(subscription);
      if (!state) continue;
      state.isInFlight = false;
      if (error) this.#onRefusal(subscription, state, { error, isAlone: request.asks.length === 1 });
      else if (reply) this.#onReply(subscription, state, { reply: request.replyFor(subscription, reply), ids });
    }
    if (this.isSettled) this.#options.onSettled();
  }

  #onReply(
    subscription: SharedSubscription,
    state: State,
    { reply, ids }: { readonly reply: SubscribedMessage; readonly ids: AskedIds },
  ): void {
    const unnamed = subscription.settle(reply, ids);
    if (typeof ids === "object" && !subscription.hasOneStream && state.isAnswered) {
      for (const key of ids.keys()) state.suspects.delete(key);
    } else {
      // A first answer goes on from what it names; what it does not name was left out of the request.
      state.suspects.clear();
      for (const key of unnamed) state.suspects.add(key);
    }
    state.isAnswered = true;
    state.failures = 0;
    state.phase = "live";
    if (state.suspects.size > 0 || state.isRepeated) this.ask(subscription);
    state.isRepeated = false;
  }

  #onRefusal(
    subscription: SharedSubscription,
    state: State,
    { error, isAlone }: { readonly error: ChannelError; readonly isAlone: boolean },
  ): void {
    state.isRepeated = false;
    if (errorCodes[error.code].retry) {
      state.failures += 1;
      if (state.failures < MAXIMUM_FAILURES) this.#askLater(subscription, state);
      else this.#options.onStuck();
    } else if (isAlone) {
      state.phase = "refused";
      subscription.fail(error);
      // One of many may be at fault for all: each is asked for on its own.
    } else for (const request of toRequests([{ subscription, ids: subscription.idsToAsk() }])) this.#send(request);
  }

  #askLater(subscription: SharedSubscription, state: State): void {
    state.phase = "waiting";
    clearTimeout(state.timer);
    state.timer = setTimeout(() => this.ask(subscription), state.backoff.next());
  }
}
