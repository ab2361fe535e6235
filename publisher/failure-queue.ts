import type { SendMessageBatchRequestEntry, SQSClient } from "@aws-sdk/client-sqs";
import { InvalidEventError } from "../contract/domain-events.ts";
import { boundedRequests } from "../kernel/aws/bounded-requests.ts";
import { failureQueueEnvironment, parseEnvironment } from "../kernel/env.ts";
import { PublishError } from "../kernel/streams/publish-error.ts";
import { InvalidMessageError, VersionAheadError } from "../kernel/streams/publish-errors.ts";
import { createDefaultLogger, type PublisherLogger } from "./logger.ts";
import { handleRetries, isRetryBatch, type RetryResult } from "./retries.ts";

/** Most messages in one request to SQS. */
const MAXIMUM_BATCH = 10;

/** Largest message and largest request that every queue takes, in bytes. */
const MAXIMUM_BYTES = 262_144;

/** Most reasons in the log line of one call; the queue has all of them. */
const MAXIMUM_LOGGED_REASONS = 10;

/** Longest wait for the queue's answer to one attempt, in ms, and attempts at one request. */
const LIMITS = { connectTimeoutMs: 1_500, answerTimeoutMs: 1_500, attempts: 2 };

/** Longest wait for all requests of one invocation, in ms. */
const TIMEOUT_MS = 4_000;

/** An event that is to be retried no more. */
export interface InvalidEvent {
  /** The event as its source wrote it. */
  readonly event: unknown;
  readonly error: Error;
}

/** True for an error that each retry of its event would meet again: something in the event itself is wrong. */
export function isPermanent(error: unknown): error is Error {
  if (error instanceof PublishError) {
    return error.outcomes.every((outcome) => outcome.status !== "failed" || isPermanent(outcome.error));
  }
  if (error instanceof VersionAheadError) return false;
  return error instanceof InvalidEventError || error instanceof InvalidMessageError;
}

/** The record of a failed event, in the form in which Lambda writes one after the last retry. */
function toBody({ event, error }: InvalidEvent, functionName: string): string {
  return JSON.stringify({
    version: "1.0",
    timestamp: new Date().toISOString(),
    requestContext: {
      functionName,
      condition: isPermanent(error) ? "EventInvalid" : "RetriesExhausted",
      approximateInvokeCount: 1,
    },
    requestPayload: event,
    responsePayload: { errorType: error.name, errorMessage: error.message },
  });
}

interface Entry extends SendMessageBatchRequestEntry {
  readonly MessageBody: string;
}

/** Splits entries into requests that SQS takes. Leaves out those that are too large for any. */
function toRequests(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const requests: Entry[][] = [];
  let bytes = MAXIMUM_BYTES;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.MessageBody);
    if (size > MAXIMUM_BYTES) continue;
    if (bytes + size > MAXIMUM_BYTES || requests.at(-1)?.length === MAXIMUM_BATCH) {
      requests.push([]);
      bytes = 0;
    }
    requests.at(-1)?.push(entry);
    bytes += size;
  }
  return requests;
}

let client: SQSClient | undefined;

/** Sends entries. Resolves with the ids of those that the queue took. */
async function send(queueUrl: string, entries: readonly Entry[], logger: PublisherLogger): Promise<Set<string>> {
  // Imported here alone: the SDK adds some 100 ms to a cold start, and few functions ever need it.
  const { SendMessageBatchCommand, SQSClient } = await import("@aws-sdk/client-sqs");
  client ??= new SQSClient(boundedRequests(LIMITS));
  const abortSignal = AbortSignal.timeout(TIMEOUT_MS);
  const taken = new Set<string>();
  try {
    for (const request of toRequests(entries)) {
      const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: [...request] });
      const { Successful: successful = [] } = await client.send(command, { abortSignal });
      for (const { Id } of successful) if (Id !== undefined) taken.add(Id);
    }
  } catch (error) {
    logger.warn("the failure queue took no events", { reason: String(error) });
  }
  return taken;
}

/**
 * Moves events that no retry can help to the function's failure queue (`RT_FAILURE_QUEUE_URL`), each with its reason.
 * Resolves with those that were not moved, because there is no queue, it did not answer, or they are too large: leave
 * these to the retries of the event source, and to its failure destination.
 */
export async function moveToFailureQueue(events: readonly InvalidEvent[]): Promise<readonly InvalidEvent[]> {
  const { RT_FAILURE_QUEUE_URL: queueUrl, AWS_LAMBDA_FUNCTION_NAME } = parseEnvironment(
    failureQueueEnvironment,
    process.env,
  );
  if (queueUrl === undefined || events.length === 0) return events;
  const logger = createDefaultLogger();
  const entries = events.map((each, index) => ({
    Id: String(index),
    MessageBody: toBody(each, AWS_LAMBDA_FUNCTION_NAME),
  }));
  const taken = await send(queueUrl, entries, logger);
  const reasons = events.filter((_event, index) => taken.has(String(index))).map(({ error }) => error.message);
  if (reasons.length > 0) {
    const details = { events: reasons.length, reasons: [...new Set(reasons)].slice(0, MAXIMUM_LOGGED_REASONS) };
    logger.warn("invalid events moved to the failure queue", details);
  }
  return events.filter((_event, index) => !taken.has(String(index)));
}

/**
 * Wraps the handler of a Lambda function: an event that it rejects because something in the event is wrong goes to the
 * failure queue at once, and is not retried. Every other error ends the invocation, as without it. Batches of the function's
 * retry queue are unpacked: the handler gets each event as it came first, and those that fail again stay in the queue.
 *
 * The construct `DomainEventPublisher` sets the queues. Without a failure queue (`RT_FAILURE_QUEUE_URL`) the error is thrown.
 *
 * @example
 * export const handler = withFailureQueue(async (event: DepositReceived) => {
 *   await publish(toMessage(event));
 * });
 */
export const withFailureQueue = <Values extends readonly [event: unknown, ...others: unknown[]], Result>(
  handler: (...values: Values) => Promise<Result>,
) => {
  const handle = async (...values: Values): Promise<Result | undefined> => {
    try {
      return await handler(...values);
    } catch (error) {
      if (!isPermanent(error)) throw error;
      const [unmoved] = await moveToFailureQueue([{ event: values[0], error }]);
      if (unmoved) throw error;
      return undefined;
    }
  };
  return async (...values: Values): Promise<Result | RetryResult | undefined> => {
    const [event, ...others] = values;
    if (!isRetryBatch(event)) return handle(...values);
    const logger = createDefaultLogger();
    const onError = (error: unknown): void =>
      logger.warn("event not published, to be retried", { reason: String(error) });
    return handleRetries(event, (each) => handle(...([each, ...others] as unknown as Values)), onError);
  };
};
