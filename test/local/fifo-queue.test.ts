import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import { afterEach, expect, it } from "vitest";
import { type FifoQueue, type FifoQueueOptions, startFifoQueue } from "../../local/managed-edge/fifo-queue.ts";

let queue: FifoQueue | undefined;
afterEach(() => queue?.stop());

const bodies = ({ Records }: SQSEvent): string[] => Records.map(({ body }) => body);

async function start(invoke: FifoQueueOptions["invoke"], more: Partial<FifoQueueOptions> = {}) {
  const dead: string[] = [];
  const options = { maximumConcurrency: 2, visibilityTimeoutMs: 30, maximumReceives: 3, ...more };
  queue = await startFifoQueue({ invoke, onFailure: (text) => dead.push(text), ...options });
  const client = new SQSClient({
    endpoint: queue.environment.AWS_ENDPOINT_URL_SQS,
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  const send = (...messages: readonly (readonly [group: string, body: string, id?: string])[]) =>
    client.send(
      new SendMessageBatchCommand({
        QueueUrl: queue?.environment.RT_EDGE_QUEUE_URL,
        Entries: messages.map(([group, body, id = body], index) => ({
          Id: String(index),
          MessageBody: body,
          MessageGroupId: group,
          MessageDeduplicationId: id,
        })),
      }),
    );
  return { send, dead };
}

it("keeps the order of a group, one batch of it at a time, and takes a deduplication id once", async () => {
  const seen: string[] = [];
  let running = 0;
  const { send } = await start(async (event) => {
    running += 1;
    expect(running).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    seen.push(...bodies(event));
    return { batchItemFailures: [] };
  });
  const all = Array.from({ length: 25 }, (_, index) => String(index));
  for (let first = 0; first < 25; first += 5) {
    await send(...all.slice(first, first + 5).map((body) => ["group", body] as const));
  }
  await send(["group", "again", "3"]);
  await expect.poll(() => queue?.size()).toBe(0);
  expect(seen).toEqual(all);
});

it("redelivers what failed, in order, without blocking other groups, and finally moves it to the dead-letter queue", async () => {
  const batches: string[][] = [];
  const { send, dead } = await start(async (event) => {
    batches.push(bodies(event));
    const failed = event.Records.filter(({ body }) => body.startsWith("bad"));
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  });
  await send(["one", "bad"], ["one", "bad-too"], ["two", "good"]);
  await expect.poll(() => dead).toHaveLength(2);
  expect(batches).toEqual([
    ["bad", "bad-too", "good"],
    ["bad", "bad-too"],
    ["bad", "bad-too"],
  ]);
  await send(["one", "after"]);
  await expect.poll(() => batches.at(-1)).toEqual(["after"]);
});
