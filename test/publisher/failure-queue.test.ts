import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { InvalidEventError } from "../../contract/domain-events.ts";
import { PublishError } from "../../kernel/streams/publish-error.ts";
import { InvalidMessageError, VersionAheadError } from "../../kernel/streams/publish-errors.ts";
import { createStreamHandler } from "../../lambdas/publishers/stream-handler.ts";
import { type FailureQueue, type FailureRecord, startFailureQueue } from "../../local/failure-queue.ts";
import { localCredentials } from "../../local/managed-edge/dynamo.ts";
import { isPermanent, moveToFailureQueue, withFailureQueue } from "../../publisher/failure-queue.ts";

let queue: FailureQueue;
const records: FailureRecord[] = [];

beforeAll(async () => {
  queue = await startFailureQueue((record) => records.push(record));
});
afterAll(() => queue.stop());

beforeEach(() => {
  const environment = { ...localCredentials, ...queue.environment, AWS_LAMBDA_FUNCTION_NAME: "orders" };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
});
afterEach(() => {
  vi.unstubAllEnvs();
  records.length = 0;
});

const invalid = new InvalidMessageError("market:trades: data.price: is missing");
const failed = (error: Error) => ({ status: "failed", error }) as const;

describe("isPermanent", () => {
  it.each([
    ["an event that does not parse", new InvalidEventError("x"), true],
    ["a message that does not fit its channel", new PublishError([failed(invalid)]), true],
    [
      "one of several that does not fit, the others out",
      new PublishError([{ status: "duplicate" }, failed(invalid)]),
      true,
    ],
    [
      "a version ahead of the clock, which a retry helps",
      new PublishError([failed(new VersionAheadError("x", 1))]),
      false,
    ],
    [
      "one that does not fit, and an error of Redis",
      new PublishError([failed(invalid), failed(new Error("x"))]),
      false,
    ],
    ["an error of Redis", new Error("x"), false],
    ["anything else", "x", false],
  ])("%s", (_name, error, isExpected) => {
    expect(isPermanent(error)).toBe(isExpected);
  });
});

describe("withFailureQueue", () => {
  const event = { id: "e1", source: "vezta.orders", detail: { price: 0.5 } };

  it("moves an invalid event as it came, with the reason, and succeeds", async () => {
    const handler = withFailureQueue(async (_event: typeof event) => {
      throw new InvalidEventError("event e1: detail.price: send decimals as text");
    });

    await expect(handler(event)).resolves.toBeUndefined();

    expect(records).toEqual([
      {
        requestContext: { condition: "EventInvalid", approximateInvokeCount: 1 },
        requestPayload: event,
        responsePayload: {
          errorType: "InvalidEventError",
          errorMessage: "event e1: detail.price: send decimals as text",
        },
      },
    ]);
  });

  it("leaves every other error, and every result, as it is", async () => {
    const failing = withFailureQueue(async (_event: string) => {
      throw new PublishError([failed(new Error("no answer from Redis"))]);
    });
    await expect(failing("e")).rejects.toThrow("no answer from Redis");
    await expect(withFailureQueue(async (text: string) => text.length)("four")).resolves.toBe(4);
    expect(records).toEqual([]);
  });

  it.each([
    ["there is no queue", undefined],
    ["the queue does not answer", "http://127.0.0.1:1/000000000000/failures"],
  ])("throws the error where %s, so that the source's retries go on", async (_name, url) => {
    vi.stubEnv("RT_FAILURE_QUEUE_URL", url);
    const handler = withFailureQueue(async (_event: string) => {
      throw invalid;
    });
    await expect(handler("e")).rejects.toBe(invalid);
  });
});

describe("moveToFailureQueue", () => {
  it("sends as many requests as it takes, and returns what is too large for any", async () => {
    const events = Array.from({ length: 25 }, (_, index) => ({
      event: { index, text: "x".repeat(index % 5 === 0 ? 200_000 : 10) },
      error: invalid,
    }));
    const tooLarge = { event: "x".repeat(262_144), error: invalid };

    await expect(moveToFailureQueue([...events, tooLarge])).resolves.toEqual([tooLarge]);

    expect(records.map(({ requestPayload }) => requestPayload)).toEqual(events.map(({ event }) => event));
  });
});

describe("a batch of a Kinesis stream", () => {
  const toRecord = (sequenceNumber: string, data: Buffer) => ({
    ...{ awsRegion: "us-east-1", eventID: `shard:${sequenceNumber}`, eventName: "aws:kinesis:record" },
    ...{ eventSource: "aws:kinesis", eventSourceARN: "arn", eventVersion: "1.0", invokeIdentityArn: "arn" },
    kinesis: {
      ...{ approximateArrivalTimestamp: 1_767_225_600, kinesisSchemaVersion: "1.0", partitionKey: "m", sequenceNumber },
      data: data.toString("base64"),
    },
  });

  it("with poison costs one call: the poison is moved in its producer's words, and nothing is reported", async () => {
    let calls = 0;
    const errors: string[] = [];
    const handler = createStreamHandler("market-data", {
      publish: async () => {
        calls += 1;
        return [];
      },
      moveToFailureQueue,
      onError: ({ message }) => errors.push(message),
    });
    const Records = [toRecord("1", Buffer.from("poison €")), toRecord("2", Buffer.from([0xff, 0xfe]))];

    await expect(handler({ Records })).resolves.toEqual({ batchItemFailures: [] });

    expect(calls).toBe(1);
    expect(errors).toEqual([]);
    expect(records.map(({ requestPayload }) => requestPayload)).toMatchObject([
      { sequenceNumber: "1", partitionKey: "m", data: "poison €", isBase64Encoded: false },
      { sequenceNumber: "2", data: "//4=", isBase64Encoded: true },
    ]);
    expect(records[0]?.responsePayload.errorMessage).toBe("record shard:1: its data is not JSON");
  });
});

describe("a batch of the retry queue", () => {
  const event = { id: "e1", source: "vezta.orders" };
  const batch = (...bodies: string[]) => ({
    Records: bodies.map((body, index) => ({ messageId: String(index), body, eventSource: "aws:sqs" })),
  });

  it("reaches the handler as events, as their source wrote them; those that fail again stay in the queue", async () => {
    const handled: unknown[] = [];
    const handler = withFailureQueue(async (each: unknown) => {
      handled.push(each);
      if (handled.length === 2) throw new PublishError([failed(new Error("no answer from Redis"))]);
      if (handled.length === 3) throw invalid;
    });

    const result = await handler(
      batch(JSON.stringify({ requestPayload: event }), JSON.stringify(event), JSON.stringify(event), "not JSON"),
    );

    expect(handled).toEqual([event, event, event]);
    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: "1" }, { itemIdentifier: "3" }] });
    expect(records.map(({ requestPayload }) => requestPayload)).toEqual([event]);
  });
});

describe("a record of a Kinesis stream that fails", () => {
  const handle = async (ageSeconds: number) => {
    const data = Buffer.from(
      JSON.stringify({ Source: "vezta.market-data", DetailType: "TradeExecuted", Detail: trade }),
    );
    const kinesis = {
      ...{ approximateArrivalTimestamp: Date.now() / 1_000 - ageSeconds, kinesisSchemaVersion: "1.0" },
      ...{ partitionKey: "m", sequenceNumber: "7", data: data.toString("base64") },
    };
    const handler = createStreamHandler("market-data", {
      publish: () => Promise.reject(new PublishError([failed(new Error("no answer from Redis"))])),
      moveToFailureQueue,
      onError: () => undefined,
    });
    const record = { eventID: "shard:7", eventSource: "aws:kinesis", eventSourceARN: "arn", kinesis };
    return handler({ Records: [record as never] });
  };
  const trade = {
    ...{ id: "t1", marketId: "m1", exchange: "kalshi", outcome: "yes", side: "buy" },
    ...{ price: "0.5", size: "1", time: Date.now() },
  };

  it("is retried while it is young", async () => {
    expect(await handle(1)).toEqual({ batchItemFailures: [{ itemIdentifier: "7" }] });
    expect(records).toEqual([]);
  });

  it("is moved as its producer wrote it before the event source gives it up", async () => {
    expect(await handle(50)).toEqual({ batchItemFailures: [] });
    expect(records).toMatchObject([
      {
        requestContext: { condition: "RetriesExhausted" },
        requestPayload: { sequenceNumber: "7", data: expect.stringContaining("TradeExecuted"), isBase64Encoded: false },
      },
    ]);
  });
});
