import { isRecord } from "../contract/is-record.ts";

/** One message of the retry queue, as Lambda passes it. */
interface QueueRecord {
  readonly messageId: string;
  readonly body: string;
}

/** A batch of the retry queue. */
interface QueueBatch {
  readonly Records: readonly QueueRecord[];
}

/** The answer to a batch: messages that stay in the queue, for another attempt after its visibility timeout. */
export interface RetryResult {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/** True for a batch of an SQS queue. */
export const isRetryBatch = (event: unknown): event is QueueBatch => {
  if (!isRecord(event) || !Array.isArray(event.Records)) return false;
  const [first]: unknown[] = event.Records;
  return isRecord(first) && first.eventSource === "aws:sqs";
};

/**
 * Returns the event that a message of the retry queue or the failure queue holds, as its source wrote it: the payload of
 * Lambda's record, or the body itself, as EventBridge puts an event that it could not deliver.
 *
 * @throws SyntaxError where the body is not JSON.
 */
export function eventOf(body: string): unknown {
  const value: unknown = JSON.parse(body);
  return isRecord(value) && "requestPayload" in value ? value.requestPayload : value;
}

/** Handles the messages of a batch one after the other, so that events of one stream keep their order. */
export async function handleRetries(
  { Records: records }: QueueBatch,
  handle: (event: unknown) => Promise<unknown>,
  onError: (error: unknown) => void,
): Promise<RetryResult> {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const { messageId: itemIdentifier, body } of records) {
    try {
      await handle(eventOf(body));
    } catch (error) {
      onError(error);
      batchItemFailures.push({ itemIdentifier });
    }
  }
  return { batchItemFailures };
}
