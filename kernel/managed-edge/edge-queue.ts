import type { SendMessageBatchRequestEntry } from "@aws-sdk/client-sqs";
import { boundedRequests } from "../aws/bounded-requests.ts";
import { type EnqueueHints, groupOf, type QueuedHint } from "../streams/edge-hint.ts";

/** The most messages that SQS takes in one request. */
const MAXIMUM_BATCH = 10;

/** Longest wait for the queue's answer to one attempt, in ms, and attempts at one request. */
const LIMITS = { timeoutMs: 1_500, attempts: 2 };

/** Longest for all hints of one `publish()`, in ms: as with Redis, the event source's retry takes over. */
const TIMEOUT_MS = 4_000;

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

/** Enqueues hints, ten at a time. Rejects with EdgeQueueError within 4 s or so. */
export interface EdgeQueue extends EnqueueHints {
  /** Closes the connections to the queue. */
  close(): void;
}

/** Opens the managed edge's SQS FIFO queue. */
export async function createEdgeQueue(queueUrl: string): Promise<EdgeQueue> {
  // Only here: the SDK costs a cold start some 100 ms, and an installation without this edge does not need it.
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
    for (let start = 0; start < hints.length; start += MAXIMUM_BATCH) {
      await send(hints.slice(start, start + MAXIMUM_BATCH), abortSignal);
    }
  };
  return Object.assign(enqueueHints, { close: () => client.destroy() });
}
