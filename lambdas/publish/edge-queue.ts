import type { SendMessageBatchRequestEntry } from "@aws-sdk/client-sqs";
import { groupOf, type HandOn, type QueuedHint } from "../../contract/server/edge-hint.ts";

/** The most messages that SQS takes in one request. */
const MAXIMUM_BATCH = 10;

/** As Redis does, the queue answers soon or the event source's retry takes over; in ms. */
const TIMEOUT_MS = 2_000;

/** The queue did not take some of the hints. */
export class EdgeQueueError extends Error {
  override readonly name = "EdgeQueueError";
}

const toEntry = ({ hint, deduplicationId }: QueuedHint, index: number): SendMessageBatchRequestEntry => ({
  Id: String(index),
  MessageBody: JSON.stringify(hint),
  MessageGroupId: groupOf(hint),
  MessageDeduplicationId: deduplicationId,
});

/** Puts hints into the managed edge's SQS FIFO queue, ten at a time. Rejects with EdgeQueueError or the SDK's error. */
export async function createEdgeQueue(queueUrl: string): Promise<HandOn> {
  // Only here: the SDK costs a cold start some 100 ms, and an installation without this edge does not need it.
  const { SendMessageBatchCommand, SQSClient } = await import("@aws-sdk/client-sqs");
  const client = new SQSClient({ requestHandler: { requestTimeout: TIMEOUT_MS, connectionTimeout: TIMEOUT_MS } });
  return async (hints) => {
    for (let start = 0; start < hints.length; start += MAXIMUM_BATCH) {
      const entries = hints.slice(start, start + MAXIMUM_BATCH).map(toEntry);
      const { Failed: failed = [] } = await client.send(
        new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }),
      );
      const [first] = failed;
      if (first) throw new EdgeQueueError(`${failed.length} of ${entries.length} hints not queued: ${first.Code}`);
    }
  };
}
