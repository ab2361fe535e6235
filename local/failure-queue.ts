import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { messageOf } from "../kernel/as-error.ts";

/** Largest request, in bytes; SQS counts the bodies alone. */
const MAXIMUM_BYTES = 1_048_576;

/** Messages kept, newest last. */
const MAXIMUM_MESSAGES = 1_000;

const requestSchema = z.looseObject({ QueueUrl: z.url() });

const batchSchema = z.object({
  Entries: z
    .array(z.object({ Id: z.string(), MessageBody: z.string().min(1) }))
    .min(1)
    .max(10),
});

const sendSchema = z.object({ MessageBody: z.string().min(1).max(MAXIMUM_BYTES) });

const receiveSchema = z.object({
  MaxNumberOfMessages: z.int().min(1).max(10).default(1),
  VisibilityTimeout: z.int().min(0).max(43_200).default(30),
});

const deleteSchema = z.object({ ReceiptHandle: z.string() });

const visibilitySchema = z.object({ ReceiptHandle: z.string(), VisibilityTimeout: z.int().min(0).max(43_200) });

const recordSchema = z.object({
  requestContext: z.object({ condition: z.string(), approximateInvokeCount: z.int() }),
  requestPayload: z.unknown(),
  responsePayload: z.object({ errorType: z.string(), errorMessage: z.string() }),
});

/** The record of an event that was moved to the queue. */
export type FailureRecord = z.infer<typeof recordSchema>;

/** A message attribute, as EventBridge adds them. */
type Attributes = Readonly<Record<string, { readonly StringValue: string; readonly DataType: "String" }>>;

interface Message {
  readonly id: string;
  readonly body: string;
  readonly attributes: Attributes;
  readonly sentAt: number;
  visibleAt: number;
  receipt: string;
}

/** An SQS queue that functions move invalid events to, and the retry queue whose dead letters it takes. */
export interface FailureQueue {
  /** Variables that a function needs to use it, beside credentials. */
  readonly environment: Readonly<Record<"RT_FAILURE_QUEUE_URL", string>>;
  /** Messages that are in the queue. */
  readonly size: number;
  /** Puts a message in, as Lambda and EventBridge do. */
  keep(body: string, attributes?: Attributes): void;
  stop(): void;
}

const md5 = (body: string): string => createHash("md5").update(body).digest("hex");

/** The messages of the failure queue. */
class Messages {
  #all: Message[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(body: string, attributes: Attributes = {}): string {
    const id = randomUUID();
    this.#all.push({ id, body, attributes, sentAt: Date.now(), visibleAt: 0, receipt: "" });
    if (this.#all.length > MAXIMUM_MESSAGES) this.#all.shift();
    return id;
  }

  receive(request: unknown): object {
    const { MaxNumberOfMessages: most, VisibilityTimeout: seconds } = receiveSchema.parse(request);
    const visible = this.#all.filter(({ visibleAt }) => visibleAt <= Date.now()).slice(0, most);
    const received = visible.map((message) => {
      message.visibleAt = Date.now() + seconds * 1_000;
      message.receipt = randomUUID();
      const { id: MessageId, receipt: ReceiptHandle, body: Body, attributes, sentAt } = message;
      const Attributes = { SentTimestamp: String(sentAt) };
      return { ...{ MessageId, ReceiptHandle, Body, Attributes, MD5OfBody: md5(Body) }, MessageAttributes: attributes };
    });
    return received.length > 0 ? { Messages: received } : {};
  }

  changeVisibility(request: unknown): object {
    const { ReceiptHandle, VisibilityTimeout: seconds } = visibilitySchema.parse(request);
    const message = this.#all.find(({ receipt }) => receipt === ReceiptHandle);
    if (message) message.visibleAt = Date.now() + seconds * 1_000;
    return {};
  }

  delete(request: unknown): object {
    const { ReceiptHandle } = deleteSchema.parse(request);
    this.#all = this.#all.filter(({ receipt }) => receipt !== ReceiptHandle);
    return {};
  }
}

/** What to do with messages that are sent. */
export interface FailureQueueListeners {
  /** Called with each event that a function moves to the failure queue. */
  readonly onRecord: (record: FailureRecord) => void;
  /** Called with the body of each message of the retry queue. */
  readonly onRetry: (body: string) => void;
}

function sendBatch(request: unknown, messages: Messages, { onRecord }: FailureQueueListeners): object {
  const { Entries: entries } = batchSchema.parse(request);
  const bytes = entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody), 0);
  if (bytes > MAXIMUM_BYTES) throw new Error(`a request has at most ${MAXIMUM_BYTES} bytes, not ${bytes}`);
  for (const { MessageBody } of entries) onRecord(recordSchema.parse(JSON.parse(MessageBody)));
  const Successful = entries.map(({ Id, MessageBody }) => ({
    ...{ Id, MessageId: messages.add(MessageBody), MD5OfMessageBody: md5(MessageBody) },
  }));
  return { Successful, Failed: [] };
}

/** Answers one request of the AWS SDK. */
function answer(target: unknown, request: unknown, messages: Messages, listeners: FailureQueueListeners): object {
  const { QueueUrl } = requestSchema.parse(request);
  const isRetry = QueueUrl.endsWith("/retries");
  switch (target) {
    case "AmazonSQS.SendMessageBatch":
      return sendBatch(request, messages, listeners);
    case "AmazonSQS.SendMessage": {
      const { MessageBody } = sendSchema.parse(request);
      if (isRetry) listeners.onRetry(MessageBody);
      const MessageId = isRetry ? randomUUID() : messages.add(MessageBody);
      return { MessageId, MD5OfMessageBody: md5(MessageBody) };
    }
    case "AmazonSQS.ReceiveMessage":
      return isRetry ? {} : messages.receive(request);
    case "AmazonSQS.ChangeMessageVisibility":
      return messages.changeVisibility(request);
    case "AmazonSQS.DeleteMessage":
      return messages.delete(request);
    case "AmazonSQS.ListDeadLetterSourceQueues":
      return { queueUrls: isRetry ? [] : [QueueUrl.replace(/[^/]*$/, "retries")] };
    default:
      throw new Error(`there is no ${target} here`);
  }
}

/** Starts the queues on 127.0.0.1, for the AWS SDK. */
export async function startFailureQueue(
  onRecord: FailureQueueListeners["onRecord"],
  onRetry: FailureQueueListeners["onRetry"] = () => undefined,
): Promise<FailureQueue> {
  const messages = new Messages();
  const server = createServer(async (request, response) => {
    const body = await text(request);
    response.setHeader("content-type", "application/x-amz-json-1.0");
    try {
      const target = request.headers["x-amz-target"];
      response.end(JSON.stringify(answer(target, JSON.parse(body), messages, { onRecord, onRetry })));
    } catch (error) {
      response.writeHead(400);
      response.end(JSON.stringify({ __type: "InvalidParameterValue", message: messageOf(error) }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    environment: { RT_FAILURE_QUEUE_URL: `http://127.0.0.1:${port}/000000000000/failures` },
    get size() {
      return messages.size;
    },
    keep: (body, attributes) => void messages.add(body, attributes),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
