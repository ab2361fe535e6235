import { setTimeout as delay } from "node:timers/promises";
import type { ChannelUpdate } from "../../contract/domain-events.ts";
import type { Publisher } from "../../kernel/streams/publisher.ts";

export interface FeedOptions {
  readonly publisher: Publisher;
  /** Messages a second. */
  readonly rate: number;
  /** The next message; each call gives another one. */
  readonly next: () => ChannelUpdate;
  /** Called with each message that was published, and its id. */
  readonly onPublished?: (message: ChannelUpdate, id: string) => void;
}

const TICK_MS = 20;

/** Publishes at a steady rate until it is stopped; resolves then, with everything published. */
export function startFeed({ publisher, rate, next, onPublished }: FeedOptions): { stop(): Promise<void> } {
  let isRunning = true;
  const start = performance.now();
  let count = 0;
  const run = async (): Promise<void> => {
    while (isRunning) {
      const due = Math.floor(((performance.now() - start) / 1_000) * rate) - count;
      const messages = Array.from({ length: Math.min(due, rate) }, next);
      count += messages.length;
      const outcomes = await publisher.publish(messages);
      for (const [index, outcome] of outcomes.entries()) {
        const message = messages[index];
        if (message && outcome.status === "published") onPublished?.(message, outcome.id);
      }
      await delay(TICK_MS);
    }
  };
  const running = run();
  return {
    stop: async () => {
      isRunning = false;
      await running;
    },
  };
}
