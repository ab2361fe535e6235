import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { beforeEach, describe, expect, it } from "vitest";
import { readState } from "../../kernel/streams/stored-state.ts";
import { createStreamReader } from "../../kernel/streams/stream-reader.ts";
import { openPoster } from "../../lambdas/managed-edge/clients.ts";
import { createFanOut, type FanOutContext } from "../../lambdas/managed-edge/fan-out/fan-out.ts";
import { createEdgeStreams } from "../../lambdas/managed-edge/streams/edge-streams.ts";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { startTestEdge } from "../support/edge.ts";
import { messages } from "../support/messages.ts";

const edge = await startTestEdge();

const errors: { readonly stage: string; readonly text: string }[] = [];
const replaced: string[] = [];
beforeEach(() => {
  errors.length = 0;
  replaced.length = 0;
  // The queue keeps what a test publishes: each test calls the fan-out itself.
  edge.faults.fanOut = async () => ({ batchItemFailures: [] });
});

const context: FanOutContext = {
  ...openTable(String(process.env.RT_EDGE_TABLE)),
  streams: createEdgeStreams(edge.commands),
  reader: createStreamReader(edge.commands),
  readState: (stream) => readState(edge.commands, stream),
  poster: openPoster(edge.api.managementUrl),
  splitOver: 1_000,
  windowMs: 0,
  onError: (error, stage) => errors.push({ stage, text: String(error) }),
  onCursorReplaced: (channel) => replaced.push(channel),
};

let count = 0;
function toRecord(body: unknown, { group = "", received = 1 } = {}): SQSRecord {
  count += 1;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    messageId: `message-${count}`,
    body: text,
    attributes: {
      MessageGroupId: group || text,
      ApproximateReceiveCount: String(received),
      ApproximateFirstReceiveTimestamp: "0",
      SentTimestamp: "0",
      SenderId: "publisher",
    },
    messageAttributes: {},
    receiptHandle: "",
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:hints.fifo",
    awsRegion: "us-east-1",
  };
}

const hintOf = (key: string) => ({ channel: "market:trades", key });

const run = (records: readonly SQSRecord[], more: Partial<FanOutContext> = {}): Promise<SQSBatchResponse> =>
  createFanOut({ ...context, ...more })({ Records: [...records] } satisfies SQSEvent);

const failedIds = ({ batchItemFailures }: SQSBatchResponse): string[] =>
  batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

const stages = (): string[] => errors.map(({ stage }) => stage);

/** Connects a client that is subscribed to the trades of markets. */
async function subscribe(...marketId: string[]) {
  const client = await edge.connect();
  const id = edge.api.connectionIds().at(-1) ?? "";
  await client.ask("subscribe", { channel: "market:trades", marketId });
  return { client, id };
}

describe("the fan-out reports as failed", () => {
  it("every record of a message group whose post fails, and those of no other group", async () => {
    const { client, id } = await subscribe("fails");
    const { client: other } = await subscribe("succeeds");
    await edge.publish(messages("market:trades", "fails", 2));
    const [delivered] = await edge.publish(messages("market:trades", "succeeds", 1));
    edge.faults.post = (connectionId) => (connectionId === id ? "failed" : undefined);
    const records = [toRecord(hintOf("fails")), toRecord(hintOf("succeeds")), toRecord(hintOf("fails"))];

    expect(failedIds(await run(records))).toEqual([records[0]?.messageId, records[2]?.messageId]);
    expect(stages()).toEqual(["post"]);
    await expect.poll(() => other.ids("market:trades")).toEqual([delivered]);

    edge.faults.post = () => undefined;
    expect(failedIds(await run(records))).toEqual([]);
    await expect.poll(() => client.messages).toHaveLength(2);
    expect(other.messages).toHaveLength(1);
  });

  it("a group whose subscribers cannot be read", async () => {
    await subscribe("no-table");
    await edge.publish(messages("market:trades", "no-table", 1));
    edge.faults.table = (operation) => (operation === "Query" ? "failed" : undefined);
    const record = toRecord(hintOf("no-table"));

    expect(failedIds(await run([record]))).toEqual([record.messageId]);
    expect(stages()).toEqual(["plan"]);
  });

  it("a group whose cursor cannot be moved: it is delivered again rather than not at all", async () => {
    const { client } = await subscribe("no-cursor");
    const [id] = await edge.publish(messages("market:trades", "no-cursor", 1));
    const moveCursor = () => Promise.reject(new Error("Redis is away"));
    const record = toRecord(hintOf("no-cursor"));

    const result = await run([record], { streams: { ...context.streams, moveCursor } });

    expect(failedIds(result)).toEqual([record.messageId]);
    expect(errors).toEqual([{ stage: "commit", text: "Error: Redis is away" }]);
    await expect.poll(() => client.ids("market:trades")).toEqual([id]);
    expect(failedIds(await run([record]))).toEqual([]);
  });

  it("the groups of posts that fail for most connections at once, and closes none of these", async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => edge.connect()));
    for (const client of clients) await client.ask("subscribe", { channel: "market:trades", marketId: "general" });
    await edge.publish(messages("market:trades", "general", 1));
    edge.faults.post = () => "failed";
    const record = toRecord(hintOf("general"), { received: 3 });

    expect(failedIds(await run([record]))).toEqual([record.messageId]);

    edge.faults.post = () => undefined;
    expect(failedIds(await run([record]))).toEqual([]);
    for (const client of clients) await expect.poll(() => client.messages).toHaveLength(1);
  });

  it("no group of a connection that fails for the third time: it is closed, and reconnects", async () => {
    const { client, id } = await subscribe("third");
    await edge.publish(messages("market:trades", "third", 1));
    edge.faults.post = (connectionId) => (connectionId === id ? "failed" : undefined);

    const second = toRecord(hintOf("third"), { received: 2 });
    expect(failedIds(await run([second]))).toEqual([second.messageId]);
    expect(client.closeCode).toBeUndefined();

    expect(failedIds(await run([toRecord(hintOf("third"), { received: 3 })]))).toEqual([]);
    await expect.poll(() => client.closeCode).toBe(1_000);
    expect(await context.connections.find(id)).toBeUndefined();
  });
});

describe("a forged message in the queue", () => {
  it.each([
    ["no JSON", "hint"],
    ["no object", "null"],
    ["an unknown channel", { channel: "market:nothing", key: "beside" }],
    ["a name of Object.prototype", { channel: "__proto__", key: "beside" }],
    ["a key that is no text", { channel: "market:trades", key: ["beside"] }],
    ["a shard that is no number", { ...hintOf("beside"), part: { shard: "0", after: "0-0" } }],
    ["an id that is none", { ...hintOf("beside"), part: { shard: 0, after: "yesterday" } }],
  ])("is reported and dropped, and holds up no other: %s", async (_name, body) => {
    const { client } = await subscribe("beside");
    const before = client.messages.length;
    await edge.publish(messages("market:trades", "beside", 1, count));
    const forged = toRecord(body, { group: "{market:trades}:beside" });

    const result = await run([forged, toRecord(hintOf("beside"), { group: "{market:trades}:beside" })]);

    expect(failedIds(result)).toEqual([]);
    expect(errors).toEqual([{ stage: "parse", text: `Error: message ${forged.messageId} is not a hint` }]);
    await expect.poll(() => client.messages).toHaveLength(before + 1);
  });

  it("that claims a position ahead of the stream hides no later message", async () => {
    const { client, id } = await subscribe("ahead");
    await edge.publish(messages("market:trades", "ahead", 1));
    await run([toRecord(hintOf("ahead"))]);
    const parts = [0, 1, 2, 3].map((shard) => ({ ...hintOf("ahead"), part: { shard, after: "999999999999999-0" } }));

    await run(parts.map((part) => toRecord(part)));
    const [next] = await edge.publish(messages("market:trades", "ahead", 1, 2));
    await run([toRecord(hintOf("ahead"))]);

    await expect.poll(() => client.ids("market:trades")).toContain(next);
    expect(await context.connections.find(id)).toBeDefined();
    expect(replaced).toContain("market:trades");
  });

  it("of a private stream reaches no other user", async () => {
    const client = await edge.connect({ user: "mallory" });
    await client.ask("subscribe", { channel: "user:orders" });
    await edge.publish(messages("user:orders", "victim", 1));

    const result = await run([toRecord({ channel: "user:orders", key: "victim" })]);
    const [own] = await edge.publish(messages("user:orders", "mallory", 1));
    await run([toRecord({ channel: "user:orders", key: "mallory" })]);

    expect(failedIds(result)).toEqual([]);
    await expect.poll(() => client.ids("user:orders")).toEqual([own]);
  });
});
