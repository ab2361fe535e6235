import type { SendMessageBatchRequestEntry } from "@aws-sdk/client-sqs";
import { boundedRequests } from "../aws/bounded-requests.ts";
import { chunks } from "../chunks.ts";
import { type EnqueueHints, groupOf, type QueuedHint } from "../streams/edge-hint.ts";

/** Most messages that SQS takes in one request. */
const MAXIMUM_BATCH = 10;

/** Longest wait for the queue's answer to one attempt, in ms, and attempts at one request. */
const LIMITS = { connectTimeoutMs: 1_500, answerTimeoutMs: 1_500, attempts: 2 };

/** Longest wait for all hints of one `publish()`, in ms: as with Redis, the event source's retry takes over. */
const TIMEOUT_MS = 4_000;

/** The queue did not take some of the hints. Enqueue all of them again: duplicates do no harm. */
export class EdgeQueueError extends Error {
  override readonly name = "EdgeQueueError";
}

const toEntry = ({ hint, deduplicationId }: QueuedHint, index: number): SendMessageBatchRequestEntry => ({
  Id: String(index),
  MessageBody: JSON.stringify(hint),
  MessageGroupId: groupOf(hint),
  MessageDeduplicationId: deduplicationId,
});

/** Enqueues hints, ten at a time. Rejects with EdgeQueueError after some 4 s at the latest. */
export interface EdgeQueue extends EnqueueHints {
  /** Closes the connections to the queue. */
  close(): void;
}

/** Opens the managed edge's SQS FIFO queue. */
export async function createEdgeQueue(queueUrl: string): Promise<EdgeQueue> {
  // Imported here alone: the SDK adds some 100 ms to a cold start, and an installation without this edge needs none.
  const { SendMessageBatchCommand, SQSClient } = await import("@aws-sdk/client-sqs");
  const client = new SQSClient(boundedRequests(LIMITS));
  const send = async (hints: readonly QueuedHint[], abortSignal: AbortSignal): Promise<void> => {
    const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: hints.map(toEntry) });
    const { Failed: failed = [] } = await client.send(command, { abortSignal }).catch((cause: unknown) => {
      const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      throw new EdgeQueueError(`the managed edge's queue took no hints: ${reason}`, { cause });
    });
    const [first] = failed;
    if (first) throw new EdgeQueueError(`${failed.length} of ${hints.length} hints not queued: ${first.Code}`);
  };
  const enqueueHints: EnqueueHints = async (hints) => {
    const abortSignal = AbortSignal.timeout(TIMEOUT_MS);
    for (const batch of chunks(hints, MAXIMUM_BATCH)) await send(batch, abortSignal);
  };
  return Object.assign(enqueueHints, { close: () => client.destroy() });
}
