import type { ChannelMessage } from "../contract/domain-events.ts";
import type { PublishOutcome } from "../kernel/streams/publisher.ts";
import { type Publisher, PublisherClosedError, toList } from "./publisher.ts";

/** A publisher that has its password and its connections. */
export interface StartedPublisher {
  publish(messages: readonly ChannelMessage[]): Promise<readonly PublishOutcome[]>;
  /** Writes the metrics of the calls so far. Returns undefined where there are none, so that most calls need not wait. */
  flushMetrics(): Promise<void> | undefined;
  close(): void;
}

/** Starts a publisher with its first call. A start that fails is tried again with the next call. */
export function createLazyPublisher(start: () => Promise<StartedPublisher>): Publisher {
  let started: Promise<StartedPublisher> | undefined;
  let closing: Promise<void> | undefined;
  let callsUnderWay = 0;
  let onIdle: (() => void) | undefined;

  // Calls that come meanwhile share the start, and its failure.
  const startOnce = (): Promise<StartedPublisher> => {
    started ??= start().catch((error: unknown) => {
      started = undefined;
      throw error;
    });
    return started;
  };

  const use = async <T>(call: (publisher: StartedPublisher) => Promise<T>): Promise<T> => {
    if (closing) throw new PublisherClosedError();
    callsUnderWay += 1;
    try {
      return await call(await startOnce());
    } finally {
      callsUnderWay -= 1;
      if (callsUnderWay === 0) onIdle?.();
    }
  };

  const end = async (): Promise<void> => {
    if (callsUnderWay > 0) {
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    }
    (await started)?.close();
  };

  return {
    publish: (messages) => use((publisher) => publishAndCount(publisher, toList(messages))),
    prepare: () => use(async () => undefined),
    close: () => {
      closing ??= end();
      return closing;
    },
  };
}

async function publishAndCount(publisher: StartedPublisher, messages: readonly ChannelMessage[]) {
  try {
    return await publisher.publish(messages);
  } finally {
    const written = publisher.flushMetrics();
    if (written) await written;
  }
}
