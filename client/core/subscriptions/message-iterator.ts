import type { Channel } from "../../../contract/channels.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { Message, SubscribeOptions, Subscription } from "../types.ts";

/** Messages that may wait while the loop is busy. */
const MAXIMUM_WAITING = 10_000;

/** Returns a message of a state channel with what changed in the one that it replaces. */
function withChangesOf<C extends Channel>({ changed: before }: Message<C>, message: Message<C>): Message<C> {
  const { changed, ...others } = message;
  return before && changed ? { ...message, changed: [...new Set([...before, ...changed])] } : others;
}

interface MessageIteratorOptions<C extends Channel> {
  readonly isLatest: boolean;
  readonly signal: AbortSignal | undefined;
  readonly subscribe: (listeners: Pick<SubscribeOptions<C>, "onMessage" | "onError">) => Subscription;
}

/** Iterates over the messages of a subscription, which begins with the first `next` and ends with the loop. */
export async function* messageIterator<C extends Channel>({
  isLatest,
  signal,
  subscribe,
}: MessageIteratorOptions<C>): AsyncGenerator<Message<C>, undefined, undefined> {
  if (signal?.aborted) return undefined;
  let waiting = new Map<string | number | undefined, Message<C>>();
  let failure: ChannelError | undefined;
  let count = 0;
  let wake = (): void => undefined;
  const fail = (error: ChannelError): void => {
    failure = error;
    wake();
  };
  const onMessage = (message: Message<C>): void => {
    count += 1;
    // Where only the newest value counts, a newer value of the market replaces the one that waits.
    const key = isLatest ? message.marketId : count;
    const skipped = waiting.get(key);
    waiting.delete(key);
    waiting.set(key, skipped ? withChangesOf(skipped, message) : message);
    wake();
    if (waiting.size <= MAXIMUM_WAITING) return;
    fail(new ChannelError("limit_exceeded", `the loop is ${MAXIMUM_WAITING} messages behind`));
    subscription.close();
  };
  const subscription = subscribe({ onMessage, onError: fail });
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
      if (waiting.size === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    subscription.close();
  }
}
