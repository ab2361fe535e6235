import { type ChannelError, errorCodes } from "../../../contract/errors.ts";
import type { SubscribedMessage } from "../../../contract/messages.ts";
import { parseSubscribed, toError } from "../messages/parse-messages.ts";
import type { Replays } from "../positions/replays.ts";
import type { AskedIds, SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { StreamKey } from "../topics/topic.ts";
import { exchange } from "../transport/send-request.ts";
import type { Transport } from "../transport/transport.ts";
import { type SubscribeRequest, toSubscribes } from "./bundle-requests.ts";
import type { TopicState } from "./topic-state.ts";

/** What the answer to a `subscribe` leaves to do. */
export interface AskResult {
  readonly asked: AskedIds;
  /** Streams that have to be asked for once more. */
  readonly again: ReadonlySet<StreamKey>;
  /** Streams whose id is older than what a receiver has, while another connection carries them too. */
  readonly doubtful: ReadonlySet<StreamKey>;
}

interface AsksOptions {
  readonly send: Transport["request"];
  readonly maximumBytes: number;
  readonly replays: Replays;
  /** Stands for the connection in the subscriptions' conditions. */
  readonly carrier: object;
  readonly mayLower: (state: TopicState) => boolean;
  readonly onAnswered: (state: TopicState, result: AskResult) => void;
  /** Called where the same request may succeed later. */
  readonly onFailed: (states: readonly TopicState[]) => void;
  /** Called where the service has as many subscriptions as it takes. Returns whether they wait until it has released some. */
  readonly onFull: (states: readonly TopicState[], releases: number) => boolean;
  /** Counts what the service has released on this connection. */
  readonly releases: () => number;
  readonly onRefused: (state: TopicState, error: ChannelError) => void;
  /** Called with what the application wants no more, once its request is answered. */
  readonly onUnwanted: (state: TopicState) => void;
  /** Called where the service takes an answer back. */
  readonly onTakenBack: (state: TopicState, error: ChannelError) => void;
  readonly onTimeout: () => void;
}

/** A request on its way, and the topics that it is for. */
interface Flight {
  readonly request: SubscribeRequest;
  readonly states: ReadonlyMap<SharedSubscription, TopicState>;
  readonly doubtful: Map<TopicState, Set<StreamKey>>;
  /** What the service had released when it was sent. */
  readonly releases: number;
  isTimedOut: boolean;
}

/** Asks for subscriptions on one connection: bundled, and with answers that may come in parts. */
export class Asks {
  readonly #options: AsksOptions;
  readonly #stops = new Set<() => void>();

  constructor(options: AsksOptions) {
    this.#options = options;
  }

  send(states: readonly TopicState[]): void {
    const bySubscription = new Map<SharedSubscription, TopicState>();
    const asks = states.flatMap((state) => {
      const { subscription, isAnswered, suspects } = state;
      if (!subscription) return [];
      bySubscription.set(subscription, state);
      const only = isAnswered && !subscription.hasOneStream && suspects.size > 0 ? suspects : undefined;
      return { subscription, ids: subscription.idsToAsk(only) };
    });
    for (const request of toSubscribes(asks, this.#options.maximumBytes)) this.#sendOne(request, bySubscription);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }

  #sendOne(request: SubscribeRequest, states: ReadonlyMap<SharedSubscription, TopicState>): void {
    const flight: Flight = {
      request,
      states,
      doubtful: new Map(),
      releases: this.#options.releases(),
      isTimedOut: false,
    };
    for (const state of this.#statesOf(flight)) {
      state.unanswered = "subscribe";
      state.askedAt = Date.now();
    }
    const stop = exchange(this.#options.send, {
      event: "subscribe",
      content: request.content,
      onAnswer: (answer) => this.#onAnswer(flight, answer),
      onLate: (answer) => this.#onLate(flight, answer),
      onTimeout: () => {
        flight.isTimedOut = true;
        this.#options.onTimeout();
      },
    });
    this.#stops.add(stop);
  }

  #statesOf({ request, states }: Flight): TopicState[] {
    return request.asks.flatMap(({ subscription }) => states.get(subscription) ?? []);
  }

  /** Returns whether more of the answer is to come. */
  #onAnswer(flight: Flight, answer: unknown): boolean {
    const reply = parseSubscribed(answer);
    const error = toError(answer, reply);
    if (reply) this.#settle(flight, reply);
    if (reply?.more === true) return true;
    for (const state of this.#statesOf(flight)) {
      state.unanswered = undefined;
      // Without an answer the service may have it.
      if (reply || flight.isTimedOut) state.isHeld = true;
    }
    if (error) this.#onError(flight, error);
    else this.#finish(flight);
    return false;
  }

  #settle({ request, states, doubtful }: Flight, reply: SubscribedMessage): void {
    const { replays, mayLower } = this.#options;
    for (const { subscription, ids } of request.asks) {
      const state = states.get(subscription);
      const part = request.replyFor(subscription, reply);
      if (!part || state?.subscription !== subscription) continue;
      const keys = subscription.settle(part, {
        asked: ids,
        mayLower: mayLower(state),
        onReplay: (key, id) => replays.expect(subscription.channel, key, id),
      });
      if (keys.size > 0) doubtful.set(state, new Set([...(doubtful.get(state) ?? []), ...keys]));
    }
  }

  #finish({ request, states, doubtful }: Flight): void {
    const { carrier, onAnswered, onUnwanted } = this.#options;
    for (const { subscription, ids } of request.asks) {
      const state = states.get(subscription);
      if (!state) continue;
      if (state.subscription !== subscription) {
        onUnwanted(state);
        continue;
      }
      const again = subscription.finish(carrier, { asked: ids, isFirst: !state.isAnswered });
      onAnswered(state, { asked: ids, again, doubtful: doubtful.get(state) ?? new Set() });
    }
  }

  #onError(flight: Flight, error: ChannelError): void {
    const { onFailed, onFull, onRefused, onUnwanted } = this.#options;
    const states = this.#statesOf(flight);
    const isWanted = ({ subscription }: TopicState): boolean =>
      subscription !== undefined && flight.states.has(subscription);
    for (const state of states) if (!isWanted(state)) onUnwanted(state);
    const wanted = states.filter(isWanted);
    const [first] = wanted;
    if (!first) return;
    if (errorCodes[error.code].retry) onFailed(wanted);
    else if (error.code === "limit_exceeded" && onFull(wanted, flight.releases)) return;
    else if (wanted.length === 1) onRefused(first, error);
    else {
      // One of many may be at fault for all.
      const middle = Math.ceil(wanted.length / 2);
      for (const half of [wanted.slice(0, middle), wanted.slice(middle)]) this.send(half);
    }
  }

  #onLate(flight: Flight, answer: unknown): void {
    const reply = parseSubscribed(answer);
    const error = toError(answer, reply);
    for (const state of this.#statesOf(flight)) {
      if (error) this.#options.onTakenBack(state, error);
      else if (!state.unanswered) {
        state.isHeld = true;
        if (!state.subscription) this.#options.onUnwanted(state);
      }
    }
  }
}
