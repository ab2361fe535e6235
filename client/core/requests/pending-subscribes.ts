import type { ChannelError } from "../../../contract/errors.ts";
import type { SubscribedMessage } from "../../../contract/messages.ts";
import { mayRetry } from "../messages/error-traits.ts";
import { parseSubscribed, toError } from "../messages/parse-messages.ts";
import type { Replays } from "../positions/replays.ts";
import type { RequestedIds } from "../positions/stream-position.ts";
import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { StreamKey } from "../topics/topic.ts";
import { sendRequest } from "../transport/send-request.ts";
import type { Transport } from "../transport/transport.ts";
import { bundleSubscribes, type SubscribeRequest } from "./bundle-requests.ts";
import type { TopicState } from "./topic-state.ts";

/** The outcome of a `subscribe`, and the streams to request again. */
export interface SubscribeResult {
  readonly requested: RequestedIds;
  /** Streams that have to be requested once more. */
  readonly again: ReadonlySet<StreamKey>;
  /** Streams whose id is older than a receiver's, while another connection carries them too. */
  readonly doubtful: ReadonlySet<StreamKey>;
}

interface PendingSubscribesOptions {
  readonly send: Transport["request"];
  readonly maximumBytes: number;
  readonly replays: Replays;
  /** Identifies the connection in the health of the subscriptions. */
  readonly reporter: object;
  readonly mayLower: (state: TopicState) => boolean;
  readonly onAnswered: (state: TopicState, result: SubscribeResult) => void;
  /** Called if the same request may succeed later. */
  readonly onFailed: (states: readonly TopicState[]) => void;
  /** Called if the limit of subscriptions is reached. Returns whether they wait until the service has released some. */
  readonly onFull: (states: readonly TopicState[], releases: number) => boolean;
  /** Returns how often the service has released subscriptions on this connection. */
  readonly releases: () => number;
  readonly onRefused: (state: TopicState, error: ChannelError) => void;
  /** Called with topics that the application does not want any more, once their request is answered. */
  readonly onUnwanted: (state: TopicState) => void;
  /** Called if the service revokes a reply. */
  readonly onRevoked: (state: TopicState, error: ChannelError) => void;
  readonly onTimeout: () => void;
}

/** A request without an answer, and its topics. */
interface PendingSubscribe {
  readonly request: SubscribeRequest;
  readonly states: ReadonlyMap<SharedSubscription, TopicState>;
  readonly doubtful: Map<TopicState, Set<StreamKey>>;
  /** The count of releases when the request was sent. */
  readonly releases: number;
  isTimedOut: boolean;
}

/** Sends the `subscribe` requests of one connection, bundled, and handles their replies, which may come in parts. */
export class PendingSubscribes {
  readonly #options: PendingSubscribesOptions;
  readonly #stops = new Set<() => void>();

  constructor(options: PendingSubscribesOptions) {
    this.#options = options;
  }

  /** Requests subscriptions. */
  send(states: readonly TopicState[]): void {
    const bySubscription = new Map<SharedSubscription, TopicState>();
    const items = states.flatMap((state) => {
      const { subscription, isAnswered, suspects } = state;
      if (!subscription) return [];
      bySubscription.set(subscription, state);
      const only = isAnswered && !subscription.hasOneStream && suspects.size > 0 ? suspects : undefined;
      return { subscription, ids: subscription.startRequest(only) };
    });
    for (const request of bundleSubscribes(items, this.#options.maximumBytes)) this.#sendOne(request, bySubscription);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }

  #sendOne(request: SubscribeRequest, states: ReadonlyMap<SharedSubscription, TopicState>): void {
    const pending: PendingSubscribe = {
      request,
      states,
      doubtful: new Map(),
      releases: this.#options.releases(),
      isTimedOut: false,
    };
    for (const state of statesOf(pending)) {
      state.unanswered = "subscribe";
      state.requestedAt = Date.now();
    }
    const stop = sendRequest(this.#options.send, {
      event: "subscribe",
      content: request.content,
      onAnswer: (answer) => {
        const hasMore = this.#onAnswer(pending, answer);
        // What arrives later ends with the transport, which calls nothing after that.
        if (!hasMore) this.#stops.delete(stop);
        return hasMore;
      },
      onLate: (answer) => this.#onLate(pending, answer),
      onTimeout: () => {
        pending.isTimedOut = true;
        this.#options.onTimeout();
      },
    });
    this.#stops.add(stop);
  }

  /** Returns whether more of the answer is to come. */
  #onAnswer(pending: PendingSubscribe, answer: unknown): boolean {
    const reply = parseSubscribed(answer);
    const error = toError(answer, reply);
    if (reply) this.#applyReply(pending, reply);
    if (reply?.more === true) return true;
    for (const state of statesOf(pending)) {
      state.unanswered = undefined;
      // After a timeout the service may have the subscription.
      if (reply || pending.isTimedOut) state.isHeld = true;
    }
    if (error) this.#onError(pending, error);
    else this.#finish(pending);
    return false;
  }

  #applyReply({ request, states, doubtful }: PendingSubscribe, reply: SubscribedMessage): void {
    const { replays, mayLower } = this.#options;
    for (const { subscription, ids } of request.items) {
      const state = states.get(subscription);
      const part = request.replyFor(subscription, reply);
      if (!part || state?.subscription !== subscription) continue;
      const keys = subscription.applyReply(part, {
        requested: ids,
        mayLower: mayLower(state),
        onReplay: (end) => replays.expect(subscription.channel, end),
      });
      if (keys.size > 0) doubtful.set(state, new Set([...(doubtful.get(state) ?? []), ...keys]));
    }
  }

  #finish({ request, states, doubtful }: PendingSubscribe): void {
    const { reporter, onAnswered, onUnwanted } = this.#options;
    for (const { subscription, ids: requested } of request.items) {
      const state = states.get(subscription);
      if (!state) continue;
      if (state.subscription !== subscription) {
        onUnwanted(state);
        continue;
      }
      const again = subscription.finishReply(reporter, { requested, isFirst: !state.isAnswered });
      onAnswered(state, { requested, again, doubtful: doubtful.get(state) ?? new Set() });
    }
  }

  #onError(pending: PendingSubscribe, error: ChannelError): void {
    const { onFailed, onFull, onRefused, onUnwanted } = this.#options;
    const states = statesOf(pending);
    const isWanted = ({ subscription }: TopicState): boolean =>
      subscription !== undefined && pending.states.has(subscription);
    for (const state of states) if (!isWanted(state)) onUnwanted(state);
    const wanted = states.filter(isWanted);
    const [first] = wanted;
    if (!first) return;
    if (mayRetry(error.code)) onFailed(wanted);
    else if (error.code === "limit_exceeded" && onFull(wanted, pending.releases)) return;
    else if (wanted.length === 1) onRefused(first, error);
    else {
      // A single subscription may have caused the refusal of all.
      const middle = Math.ceil(wanted.length / 2);
      for (const half of [wanted.slice(0, middle), wanted.slice(middle)]) this.send(half);
    }
  }

  #onLate(pending: PendingSubscribe, answer: unknown): void {
    const reply = parseSubscribed(answer);
    const error = toError(answer, reply);
    for (const state of statesOf(pending)) {
      if (error) this.#options.onRevoked(state, error);
      else if (!state.unanswered) {
        state.isHeld = true;
        if (!state.subscription) this.#options.onUnwanted(state);
      }
    }
  }
}

function statesOf({ request, states }: PendingSubscribe): TopicState[] {
  return request.items.flatMap(({ subscription }) => states.get(subscription) ?? []);
}
