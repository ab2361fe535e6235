import type { Channel } from "../../../contract/channels.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { Message, SubscribeOptions, Subscription } from "../types.ts";

/** Messages that may wait while the loop is busy. */
const MAXIMUM_WAITING = 10_000;

interface MessageIteratorOptions<C extends Channel> {
  readonly isLatest: boolean;
  readonly signal: AbortSignal | undefined;
  readonly subscribe: (listeners: Pick<SubscribeOptions<C>, "onMessage" | "onError">) => Subscription;
}

/** Iterates over the messages of a subscription, which begins with the first `next` and ends with the loop. */
export async function* messageIterator<C extends Channel>(
  options: MessageIteratorOptions<C>,
): AsyncGenerator<Message<C>, undefined, undefined> {
  const { signal } = options;
  if (signal?.aborted) return undefined;
  const queue = new MessageQueue<C>(options.isLatest);
  const subscription = options.subscribe({
    onMessage(message) {
      if (!queue.push(message)) subscription.close();
    },
    onError: (error) => queue.fail(error),
  });
  const abort = (): void => queue.wake();
  signal?.addEventListener("abort", abort);
  try {
    for (;;) {
      for (const message of queue.takeAll()) {
        if (signal?.aborted) return undefined;
        yield message;
      }
      if (signal?.aborted) return undefined;
      if (queue.failure) throw queue.failure;
      if (queue.isEmpty) await queue.change();
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    subscription.close();
  }
}

/** The messages that wait for the loop: on a `latest` channel the newest of each market, else all. */
class MessageQueue<C extends Channel> {
  readonly #isLatest: boolean;
  #waiting = new Map<string | number | undefined, Message<C>>();
  #count = 0;
  #wake: () => void = () => undefined;
  /** Why the iteration ends once the waiting messages are consumed. */
  failure: ChannelError | undefined;

  constructor(isLatest: boolean) {
    this.#isLatest = isLatest;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Adds a message. Returns false once too many wait, which also fails the iteration. */
  push(message: Message<C>): boolean {
    this.#count += 1;
    const key = this.#isLatest ? message.marketId : this.#count;
    this.#waiting.delete(key);
    this.#waiting.set(key, message);
    const isFull = this.#waiting.size > MAXIMUM_WAITING;
    if (isFull) this.failure = new ChannelError("limit_exceeded", `the loop is ${MAXIMUM_WAITING} messages behind`);
    this.wake();
    return !isFull;
  }

  fail(error: ChannelError): void {
    this.failure = error;
    this.wake();
  }

  /** Removes and returns the messages that wait. */
  takeAll(): Iterable<Message<C>> {
    const batch = this.#waiting;
    this.#waiting = new Map();
    return batch.values();
  }

  /** Resolves with the next message, failure or `wake`. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake();
  }
}
