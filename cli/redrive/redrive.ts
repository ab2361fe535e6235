import type { KinesisClient } from "@aws-sdk/client-kinesis";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ListDeadLetterSourceQueuesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { messageOf } from "../../kernel/as-error.ts";
import { UsageError } from "../command/context.ts";
import { type FailedEvent, parseFailedEvent } from "./failed-event.ts";
import { readStreamRecords } from "./stream-records.ts";

const BATCH = 10;

/** Time for which a received message is hidden from others, in seconds: it is put back, or shows up again after it. */
const VISIBILITY_SECONDS = 60;

export interface RedriveOptions {
  readonly sqs: SQSClient;
  readonly kinesis: KinesisClient;
  /** The URL of the failure queue. */
  readonly queueUrl: string;
  /** The queue to put events into; the one whose dead letters the failure queue takes, if it is not given. */
  readonly retryUrl: string | undefined;
  readonly isDryRun: boolean;
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly onMessage: (result: RedriveResult) => void;
}

export interface RedriveResult {
  /** `left`: it stays in the failure queue, and `note` says why. */
  readonly outcome: "redriven" | "would be redriven" | "left";
  readonly subject: string;
  /** Why the event failed. */
  readonly reason: string;
  readonly ageSeconds: number;
  /** The events that were put back: one, or the records of a stream. */
  readonly events: number;
  readonly note?: string;
}

async function findRetryQueue({ sqs, queueUrl, retryUrl }: RedriveOptions): Promise<string> {
  if (retryUrl !== undefined) return retryUrl;
  const { queueUrls = [] } = await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: queueUrl }));
  const [only, ...others] = queueUrls;
  if (only !== undefined && others.length === 0) return only;
  throw new UsageError(
    `${queueUrl} takes the dead letters of ${queueUrls.length} queues: name the retry queue with --to`,
  );
}

async function bodiesOf(event: FailedEvent, { kinesis }: RedriveOptions): Promise<readonly string[]> {
  if (event.kind === "unknown") throw new Error(event.reason);
  if (event.kind === "event") return [event.body];
  const records = await readStreamRecords(kinesis, event.batch);
  return records.map((requestPayload) => JSON.stringify({ version: "1.0", requestPayload }));
}

/** Puts the events of one message into the retry queue, then removes the message: a break in between doubles, never loses. */
async function redriveMessage(message: Message, target: string, options: RedriveOptions): Promise<RedriveResult> {
  const { sqs, queueUrl, isDryRun } = options;
  const event = parseFailedEvent(message.Body ?? "", message.MessageAttributes);
  const ageSeconds = Math.round((Date.now() - Number(message.Attributes?.SentTimestamp ?? Date.now())) / 1_000);
  const common = { subject: event.subject, reason: event.reason, ageSeconds };
  try {
    const bodies = await bodiesOf(event, options);
    if (isDryRun) return { ...common, outcome: "would be redriven", events: bodies.length };
    for (const body of bodies) await sqs.send(new SendMessageCommand({ QueueUrl: target, MessageBody: body }));
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }));
    return { ...common, outcome: "redriven", events: bodies.length };
  } catch (error) {
    return { ...common, outcome: "left", events: 0, note: messageOf(error) };
  }
}

/** Shows a message that stays in the queue to others again, at once. */
async function release({ sqs, queueUrl }: RedriveOptions, { ReceiptHandle }: Message): Promise<void> {
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
}

/** Goes through a failure queue once, from its oldest message, and puts each event back into the retry queue. */
export async function redrive(options: RedriveOptions): Promise<readonly RedriveResult[]> {
  const target = await findRetryQueue(options);
  const kept: Message[] = [];
  try {
    return await redriveAll(target, kept, options);
  } finally {
    await Promise.allSettled(kept.map((message) => release(options, message)));
  }
}

/** Fills `kept` with the messages that stay in the queue. */
async function redriveAll(target: string, kept: Message[], options: RedriveOptions): Promise<readonly RedriveResult[]> {
  const { sqs, queueUrl, limit, signal, onMessage } = options;
  const startedAt = Date.now();
  const results: RedriveResult[] = [];
  while (results.length < limit && !signal.aborted) {
    const { Messages: messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        ...{ QueueUrl: queueUrl, VisibilityTimeout: VISIBILITY_SECONDS, WaitTimeSeconds: 1 },
        ...{ MaxNumberOfMessages: Math.min(BATCH, limit - results.length) },
        ...{ MessageAttributeNames: ["All"], MessageSystemAttributeNames: ["SentTimestamp"] },
      }),
    );
    // One that was put back has failed again already: once is enough.
    const due = messages.filter(({ Attributes }) => Number(Attributes?.SentTimestamp ?? 0) < startedAt);
    kept.push(...messages.filter((message) => !due.includes(message)));
    if (due.length === 0) break;
    for (const message of due) {
      const result = await redriveMessage(message, target, options);
      results.push(result);
      if (result.outcome !== "redriven") kept.push(message);
      onMessage(result);
    }
  }
  return results;
}
