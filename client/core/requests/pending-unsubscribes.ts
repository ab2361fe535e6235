import { isRecord } from "../../../contract/is-record.ts";
import { mayRetry } from "../messages/error-traits.ts";
import { toError } from "../messages/parse-messages.ts";
import { Backoff } from "../timing/backoff.ts";
import { BatchedTimers } from "../timing/batched-timers.ts";
import { sendRequest } from "../transport/send-request.ts";
import type { Transport } from "../transport/transport.ts";
import { bundleUnsubscribes } from "./bundle-requests.ts";
import type { TopicState } from "./topic-state.ts";

/** Temporary refusals in a row after which another connection is tried, which will have none of these subscriptions. */
const MAXIMUM_FAILURES = 8;

interface PendingUnsubscribesOptions {
  readonly send: Transport["request"];
  readonly maximumBytes: number;
  /** Called with topics whose `unsubscribe` was answered: the service has them no more, or still if `isHeld`. */
  readonly onAnswered: (states: readonly TopicState[]) => void;
  /** Called when it is time to unsubscribe again from topics whose `unsubscribe` was refused. */
  readonly onRetry: (states: readonly TopicState[]) => void;
  readonly onTimeout: () => void;
  readonly onStuck: () => void;
}

/** Sends the `unsubscribe` requests of one connection, bundled, and retries them until the service has confirmed them. */
export class PendingUnsubscribes {
  readonly #options: PendingUnsubscribesOptions;
  readonly #backoff = new Backoff();
  readonly #retries: BatchedTimers<TopicState>;
  readonly #stops = new Set<() => void>();
  #failures = 0;

  constructor(options: PendingUnsubscribesOptions) {
    this.#options = options;
    this.#retries = new BatchedTimers(options.onRetry);
  }

  /** Unsubscribes from topics. */
  send(states: readonly TopicState[]): void {
    const byTopic = new Map(states.map((state) => [state.topic, state]));
    const topics = states.map(({ topic }) => topic);
    for (const { topics: part, content } of bundleUnsubscribes(topics, this.#options.maximumBytes)) {
      this.#sendOne(
        part.flatMap((topic) => byTopic.get(topic) ?? []),
        content,
      );
    }
  }

  stop(): void {
    this.#retries.stop();
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }

  #sendOne(states: readonly TopicState[], content: object): void {
    for (const state of states) state.unanswered = "unsubscribe";
    const stop = sendRequest(this.#options.send, {
      event: "unsubscribe",
      content,
      onAnswer: (answer) => {
        this.#stops.delete(stop);
        this.#onAnswer(states, answer);
        return false;
      },
      // The request was sent again, and the answer to that one counts.
      onLate: () => undefined,
      onTimeout: this.#options.onTimeout,
    });
    this.#stops.add(stop);
  }

  #onAnswer(states: readonly TopicState[], answer: unknown): void {
    const error = toError(answer, isRecord(answer) && answer.code === undefined ? answer : undefined);
    const isTemporary = error !== undefined && mayRetry(error.code);
    if (error && !isTemporary && states.length > 1) {
      // A single topic may have caused the refusal of all.
      const middle = Math.ceil(states.length / 2);
      for (const half of [states.slice(0, middle), states.slice(middle)]) this.send(half);
      return;
    }
    // A lasting refusal means that the service has no such subscription.
    for (const state of states) {
      state.unanswered = undefined;
      if (!isTemporary) state.isHeld = false;
    }
    if (isTemporary) this.#retryLater(states);
    else {
      this.#failures = 0;
      this.#backoff.reset();
    }
    this.#options.onAnswered(states);
  }

  #retryLater(states: readonly TopicState[]): void {
    this.#failures += 1;
    if (this.#failures >= MAXIMUM_FAILURES) {
      this.#options.onStuck();
      return;
    }
    const delay = this.#backoff.next();
    for (const state of states) this.#retries.schedule(state, delay);
  }
}
