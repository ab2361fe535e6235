import { errorCodes } from "../../../contract/errors.ts";
import { isObject, toError } from "../messages/parse-messages.ts";
import { Backoff } from "../timing/backoff.ts";
import { Slots } from "../timing/batched-timers.ts";
import { exchange } from "../transport/send-request.ts";
import type { Transport } from "../transport/transport.ts";
import { toUnsubscribes } from "./bundle-requests.ts";
import type { TopicState } from "./topic-state.ts";

/** Refusals for the moment in a row after which another connection is tried: that one has none of these subscriptions. */
const MAXIMUM_FAILURES = 8;

interface ReleasesOptions {
  readonly send: Transport["request"];
  readonly maximumBytes: number;
  /** Called with the topics whose `unsubscribe` has its answer: the service has them no more, or `isHeld` still. */
  readonly onAnswered: (states: readonly TopicState[]) => void;
  /** Called when it is time to release topics that the service did not release before. */
  readonly onRetry: (states: readonly TopicState[]) => void;
  readonly onTimeout: () => void;
  readonly onStuck: () => void;
}

/** Ends subscriptions on one connection: bundled, and asked for again until the service has confirmed it. */
export class Releases {
  readonly #options: ReleasesOptions;
  readonly #backoff = new Backoff();
  readonly #retries: Slots<TopicState>;
  readonly #stops = new Set<() => void>();
  #failures = 0;

  constructor(options: ReleasesOptions) {
    this.#options = options;
    this.#retries = new Slots(options.onRetry);
  }

  send(states: readonly TopicState[]): void {
    const byTopic = new Map(states.map((state) => [state.topic, state]));
    const topics = states.map(({ topic }) => topic);
    for (const { topics: part, content } of toUnsubscribes(topics, this.#options.maximumBytes)) {
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
    const stop = exchange(this.#options.send, {
      event: "unsubscribe",
      content,
      onAnswer: (answer) => {
        this.#stops.delete(stop);
        this.#onAnswer(states, answer);
        return false;
      },
      // The request was made again, and the answer to that counts.
      onLate: () => undefined,
      onTimeout: this.#options.onTimeout,
    });
    this.#stops.add(stop);
  }

  #onAnswer(states: readonly TopicState[], answer: unknown): void {
    const error = toError(answer, isObject(answer) && answer.code === undefined ? answer : undefined);
    const mayRetry = error !== undefined && errorCodes[error.code].retry;
    if (error && !mayRetry && states.length > 1) {
      // One of many may be at fault for all.
      const middle = Math.ceil(states.length / 2);
      for (const half of [states.slice(0, middle), states.slice(middle)]) this.send(half);
      return;
    }
    // What the service takes for no subscription at all it does not have.
    for (const state of states) {
      state.unanswered = undefined;
      if (!mayRetry) state.isHeld = false;
    }
    if (mayRetry) this.#retryLater(states);
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
