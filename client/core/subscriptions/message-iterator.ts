import type { Channel } from "../../../contract/channels.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { Message, SubscribeOptions, Subscription } from "../types.ts";

/** Messages that may wait for a loop that is busy. */
const MAXIMUM_WAITING = 10_000;

interface MessageQueueOptions<C extends Channel> {
  readonly isLatest: boolean;
  readonly signal: AbortSignal | undefined;
  readonly subscribe: (listeners: Pick<SubscribeOptions<C>, "onMessage" | "onError">) => Subscription;
}

/** A subscription in the form of an iterator. It begins with the first `next`. */
export async function* messageQueue<C extends Channel>({
  isLatest,
  signal,
  subscribe,
}: MessageQueueOptions<C>): AsyncGenerator<Message<C>, undefined, undefined> {
  if (signal?.aborted) return undefined;
  let waiting = new Map<string | number | undefined, Message<C>>();
  let failure: ChannelError | undefined;
  let count = 0;
  let wake: () => void = () => undefined;
  const subscription = subscribe({
    onMessage(message) {
      count += 1;
      const key = isLatest ? message.marketId : count;
      waiting.delete(key);
      waiting.set(key, message);
      if (waiting.size > MAXIMUM_WAITING) {
        failure = new ChannelError("limit_exceeded", `the loop is ${MAXIMUM_WAITING} messages behind`);
        subscription.close();
      }
      wake();
    },
    onError(error) {
      failure = error;
      wake();
    },
  });
  const abort = (): void => wake();
  signal?.addEventListener("abort", abort);
  try {
    for (;;) {
      const batch = waiting;
      waiting = new Map();
      for (const message of batch.values()) {
        if (signal?.aborted) return undefined;
        yield message;
      }
      if (signal?.aborted) return undefined;
      if (failure) throw failure;
      if (waiting.size === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    subscription.close();
  }
}
