import type { ChannelMessage } from "../contract/domain-events.ts";
import { PublishError, type Publisher, type PublishOutcome } from "../kernel/streams/publisher.ts";

const BATCH = 50;

/** A numbered message that waits to be published. */
export interface Item {
  readonly number: number;
  readonly message: ChannelMessage;
  /** Time when it was first given to a publisher, in ms since 1970. */
  offeredAt?: number;
  /** Called with the number of gateways that were subscribed when the entry was written without being published. */
  readonly onMuted?: (subscribers: number) => void;
}

/** The oldest messages; one that is to be muted goes alone. */
export function nextBatch(queue: readonly Item[]): readonly Item[] {
  const muted = queue.findIndex(({ onMuted }) => onMuted !== undefined);
  if (muted === 0) return queue.slice(0, 1);
  return queue.slice(0, muted > 0 ? Math.min(muted, BATCH) : BATCH);
}

/** Publishes once; what fails is an outcome. */
export async function attempt(
  publisher: Publisher,
  batch: readonly ChannelMessage[],
): Promise<readonly PublishOutcome[]> {
  try {
    return await publisher.publish(batch);
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    return error.outcomes;
  }
}
