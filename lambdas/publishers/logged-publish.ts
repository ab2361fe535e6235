import type { Logger } from "@aws-lambda-powertools/logger";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { PublishError, type PublishOutcome } from "../../kernel/streams/publisher.ts";

/** Publishes a batch; see `Publisher.publish`. */
export type Publish = (messages: readonly ChannelMessage[]) => Promise<readonly PublishOutcome[]>;

type Counts = Readonly<Record<PublishOutcome["status"], number>>;

function count(outcomes: readonly PublishOutcome[]): Counts {
  const counts = { published: 0, duplicate: 0, stale: 0, failed: 0 };
  for (const { status } of outcomes) counts[status] += 1;
  return counts;
}

/**
 * Publishes and logs the counts of the outcomes, one line for each call: `stale` messages are not errors, but must be
 * visible.
 */
export const loggedPublish =
  (logger: Logger, publish: Publish): Publish =>
  async (messages) => {
    try {
      const outcomes = await publish(messages);
      logger.info("publish", { ...count(outcomes) });
      return outcomes;
    } catch (error) {
      if (error instanceof PublishError) logger.info("publish", { ...count(error.outcomes) });
      throw error;
    }
  };
