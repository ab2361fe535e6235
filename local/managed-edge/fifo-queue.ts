import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import * as z from "zod";
import { type EdgeFaults, noFaults } from "./edge-faults.ts";

const MAXIMUM_BATCH = 10;
const DEDUPLICATION_MS = 300_000;

const batchSchema = z.object({
  Entries: z
    .array(
      z.object({
        Id: z.string(),
        MessageBody: z.string().max(1_048_576),
        MessageGroupId: z.string().min(1).max(128),
        MessageDeduplicationId: z.string().min(1).max(128),
      }),
    )
    .min(1)
    .max(MAXIMUM_BATCH),
});

/** One entry of `SendMessageBatch`. */
export type QueueEntry = z.infer<typeof batchSchema>["Entries"][number];

interface Message {
  readonly id: string;
  readonly group: string;
  readonly body: string;
  /** When it came, by `performance.now()`. */
  readonly sentAt: number;
  receives: number;
}

export interface FifoQueueOptions {
  /** The function that the event source mapping invokes. */
  readonly invoke: (event: SQSEvent) => Promise<SQSBatchResponse>;
  /** Invocations at once; AWS takes 2 or more. */
  readonly maximumConcurrency: number;
  /** Time until a failed message becomes visible again, in ms. */
  readonly visibilityTimeoutMs: number;
  /** Receives after which a message is put aside as dead. */
  readonly maximumReceives: number;
  /** Called with each error of the function, and with each dead-lettered message. */
  readonly onFailure: (text: string) => void;
  /** Faults of requests to it. @default none */
  readonly faults?: EdgeFaults | undefined;
}

/** An SQS FIFO queue and the event source mapping of the function behind it. */
export interface FifoQueue {
  /** Variables that a publisher and the fan-out need to use it. */
  readonly environment: Readonly<Record<"RT_EDGE_QUEUE_URL" | "AWS_ENDPOINT_URL_SQS", string>>;
  /** Takes a message in without the way over HTTP. */
  add(entry: QueueEntry): void;
  /** Messages that are waiting or being worked on. */
  readonly size: () => number;
  /** Age of the oldest message, in ms; 0 where there is none. */
  readonly oldestAgeMs: () => number;
  stop(): void;
}

const md5 = (body: string): string => createHash("md5").update(body).digest("hex");

function toRecord({ id, group, body, receives }: Message): SQSRecord {
  return {
    messageId: id,
    receiptHandle: randomUUID(),
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      ApproximateFirstReceiveTimestamp: String(Date.now()),
      SentTimestamp: String(Date.now()),
      SenderId: "local",
      MessageGroupId: group,
    },
    messageAttributes: {},
    md5OfBody: md5(body),
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:edge.fifo",
    awsRegion: "us-east-1",
  };
}

/** The messages, by group; one batch of a group is out at a time. */
class Groups {
  readonly #options: FifoQueueOptions;
  readonly #waiting = new Map<string, Message[]>();
  readonly #busy = new Set<string>();
  readonly #seen = new Map<string, string>();
  #running = 0;

  constructor(options: FifoQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Age of the oldest message, in ms; 0 where there is none. */
  get oldestAgeMs(): number {
    const times = [...this.#waiting.values()].flatMap(([first]) => first?.sentAt ?? []);
    return times.length === 0 ? 0 : performance.now() - Math.min(...times);
  }

  /** Takes a message in, unless one with its deduplication id came in the last five minutes. Returns its id. */
  add({ MessageBody: body, MessageGroupId: group, MessageDeduplicationId: deduplicationId }: QueueEntry): string {
    const known = this.#seen.get(deduplicationId);
    if (known) return known;
    const id = randomUUID();
    this.#seen.set(deduplicationId, id);
    setTimeout(() => this.#seen.delete(deduplicationId), DEDUPLICATION_MS).unref();
    this.#waiting.set(group, [
      ...(this.#waiting.get(group) ?? []),
      { id, group, body, sentAt: performance.now(), receives: 0 },
    ]);
    setImmediate(() => this.#pump());
    return id;
  }

  #pump(): void {
    while (this.#running < this.#options.maximumConcurrency) {
      const batch = this.#take();
      if (batch.length === 0) return;
      void this.#run(batch);
    }
  }

  /** As many of one group as fit, then of the next. */
  #take(): Message[] {
    const batch: Message[] = [];
    for (const [group, messages] of this.#waiting) {
      if (batch.length === MAXIMUM_BATCH) break;
      if (this.#busy.has(group)) continue;
      batch.push(...messages.slice(0, MAXIMUM_BATCH - batch.length));
      this.#busy.add(group);
    }
    return batch;
  }

  async #run(batch: readonly Message[]): Promise<void> {
    this.#running += 1;
    for (const message of batch) message.receives += 1;
    const failed = await this.#invoke(batch);
    this.#running -= 1;
    const isSettled = ({ id, receives }: Message): boolean =>
      !failed.has(id) || receives >= this.#options.maximumReceives;
    const dead = batch.filter((message) => isSettled(message) && failed.has(message.id));
    for (const { body } of dead) this.#options.onFailure(`dead message: ${body}`);
    this.#remove(new Set(batch.filter(isSettled)));
    for (const group of new Set(batch.map((message) => message.group))) {
      const isBlocked = batch.some((message) => message.group === group && failed.has(message.id));
      this.#release(group, isBlocked ? this.#options.visibilityTimeoutMs : 0);
    }
    this.#pump();
  }

  async #invoke(batch: readonly Message[]): Promise<ReadonlySet<string>> {
    try {
      const { batchItemFailures } = await this.#options.invoke({ Records: batch.map(toRecord) });
      return new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    } catch (error) {
      this.#options.onFailure(String(error));
      return new Set(batch.map(({ id }) => id));
    }
  }

  #remove(done: ReadonlySet<Message>): void {
    for (const group of new Set([...done].map((message) => message.group))) {
      const left = (this.#waiting.get(group) ?? []).filter((message) => !done.has(message));
      // A group that has more goes to the end: each has its turn.
      this.#waiting.delete(group);
      if (left.length > 0) this.#waiting.set(group, left);
    }
  }

  #release(group: string, afterMs: number): void {
    if (afterMs === 0) {
      this.#busy.delete(group);
      return;
    }
    setTimeout(() => {
      this.#busy.delete(group);
      this.#pump();
    }, afterMs).unref();
  }
}

function send(groups: Groups, body: string) {
  const { Entries: entries } = batchSchema.parse(JSON.parse(body));
  const Successful = entries.map((entry) => ({
    Id: entry.Id,
    MessageId: groups.add(entry),
    MD5OfMessageBody: md5(entry.MessageBody),
  }));
  return { Successful, Failed: [] };
}

/**
 * Starts an SQS FIFO queue on 127.0.0.1 that takes `SendMessageBatch` from the AWS SDK, and invokes the function as an
 * event source mapping does: batches of up to ten, those of one group one after the other, what fails again later.
 */
export async function startFifoQueue(options: FifoQueueOptions): Promise<FifoQueue> {
  const groups = new Groups(options);
  const { faults = noFaults() } = options;
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const fault = faults.queue();
    if (fault === "silent") return;
    if (fault === "failed") {
      response.writeHead(500, { "content-type": "application/x-amz-json-1.0" }).end("{}");
      return;
    }
    try {
      if (request.headers["x-amz-target"] !== "AmazonSQS.SendMessageBatch") throw new Error("only SendMessageBatch");
      response.setHeader("content-type", "application/x-amz-json-1.0");
      response.end(JSON.stringify(send(groups, body)));
    } catch (error) {
      response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify({ __type: "InvalidParameterValue", message: String(error) }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    environment: { RT_EDGE_QUEUE_URL: `${origin}/000000000000/edge.fifo`, AWS_ENDPOINT_URL_SQS: origin },
    add: (entry) => groups.add(entry),
    size: () => groups.size,
    oldestAgeMs: () => groups.oldestAgeMs,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
