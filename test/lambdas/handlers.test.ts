import { Logger } from "@aws-lambda-powertools/logger";
import type { EventBridgeEvent, KinesisStreamEvent, KinesisStreamRecord } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { domainNames, domains } from "../../contract/domain-events.ts";
import type { Publisher } from "../../kernel/streams/publisher.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { createDomainEventHandler } from "../../lambdas/publishers/domain-handler.ts";
import { loggedPublish } from "../../lambdas/publishers/logged-publish.ts";
import { createStreamHandler } from "../../lambdas/publishers/stream-handler.ts";
import type { InvalidEvent } from "../../publisher/failure-queue.ts";
import { type Example, examples, message, toMessage } from "../support/messages.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";

let redis: TestRedis;
let publisher: Publisher;
beforeAll(async () => {
  redis = await startTestRedis("a single Redis");
  publisher = redis.addPublisher();
});
afterAll(() => redis.stop());

const toEvent = ({ Source, DetailType, Detail }: Example, id: string): EventBridgeEvent<string, unknown> => ({
  id,
  version: "0",
  account: "123456789012",
  region: "eu-central-1",
  time: "2026-01-01T00:00:00Z",
  resources: [],
  source: Source,
  "detail-type": DetailType,
  detail: Detail,
});

const domainOf = (example: Example) =>
  domainNames.find((name) => domains[name].some(({ source }) => source === example.Source)) ?? "orders";

const exampleNamed = (detailType: string): Example => {
  const found = examples.find(({ DetailType }) => DetailType === detailType);
  if (!found) throw new Error(`contract/examples has no ${detailType}`);
  return found;
};

describe("the handler of a domain's events", () => {
  it.each(examples.map((example) => [example.DetailType, example] as const))("publishes %s", async (_name, example) => {
    const { channel, key, data } = toMessage(example);
    const handle = createDomainEventHandler(domainOf(example), (batch) => publisher.publish(batch));
    const stream = streamKey({ channel, key });
    const before = await redis.commands.xlen(stream);
    await handle(toEvent(example, `event-of-${example.DetailType}`));
    await handle(toEvent(example, `event-of-${example.DetailType}`));
    const entries = await redis.commands.xrange(stream, "-", "+");
    expect(entries).toHaveLength(before + 1);
    expect(JSON.parse(`${entries.at(-1)?.[1][1]}}`)).toMatchObject({ channel, data });
  });

  it.each([
    ["another domain's event", { source: "vezta.signals" }, "domain orders takes vezta.orders/OrderChanged"],
    [
      "a detail without user",
      { detail: { ...exampleNamed("OrderChanged").Detail, userId: undefined } },
      "detail.userId",
    ],
    ["a number for a decimal", { detail: { ...exampleNamed("OrderChanged").Detail, price: 0.1 } }, "detail.price"],
    ["no detail", { detail: null }, "detail: "],
    ["an array", { detail: [] }, "detail: "],
  ])("rejects %s, naming event and field, and publishes nothing", async (_name, change, text) => {
    const batches: unknown[] = [];
    const handle = createDomainEventHandler("orders", async (batch) => {
      batches.push(batch);
      return publisher.publish(batch);
    });
    const event = { ...toEvent(exampleNamed("OrderChanged"), "bad-event"), ...change };
    await expect(handle(event)).rejects.toThrow(text);
    await expect(handle(event)).rejects.toThrow("event bad-event");
    expect(batches).toEqual([]);
  });
});

describe("loggedPublish", () => {
  it("counts the outcomes of a call, also where some failed", async () => {
    const logger = new Logger({ serviceName: "test" });
    const lines: unknown[] = [];
    logger.info = (_text, ...details) => void lines.push(...details);
    const publish = loggedPublish(logger, (batch) => publisher.publish(batch));
    const [newer, older] = [message("user:portfolio", "logged", 2), message("user:portfolio", "logged", 1)];
    await publish([newer, older, newer]);
    const bad = { ...newer, key: undefined } as unknown as typeof newer;
    await expect(publish([newer, bad])).rejects.toThrow(/1 of 2/);
    expect(lines).toEqual([
      { published: 1, stale: 1, duplicate: 1, failed: 0 },
      { published: 0, stale: 0, duplicate: 1, failed: 1 },
    ]);
  });
});

function record(number: number, data: string): KinesisStreamRecord {
  const sequenceNumber = String(4_900_000 + number);
  return {
    awsRegion: "eu-central-1",
    eventID: `shardId-000000000000:${sequenceNumber}`,
    eventName: "aws:kinesis:record",
    eventSource: "aws:kinesis",
    eventSourceARN: "arn:aws:kinesis:eu-central-1:123456789012:stream/ticks",
    eventVersion: "1.0",
    invokeIdentityArn: "arn:aws:iam::123456789012:role/ticks",
    kinesis: {
      approximateArrivalTimestamp: 1_767_225_600,
      data: Buffer.from(data).toString("base64"),
      kinesisSchemaVersion: "1.0",
      partitionKey: "example-market",
      sequenceNumber,
    },
  };
}

describe("the handler of a Kinesis batch", () => {
  const trade = exampleNamed("TradeExecuted");
  const good = (number: number, marketId: string) =>
    record(number, JSON.stringify({ ...trade, Detail: { ...trade.Detail, marketId, id: `trade-${number}` } }));

  /** The failure queue does not answer in these tests; failure-queue.test.ts has the other case. */
  const moveToFailureQueue = async (events: readonly InvalidEvent[]) => events;

  async function handle(event: KinesisStreamEvent) {
    const errors: string[] = [];
    const reported: string[] = [];
    const handler = createStreamHandler("market-data", {
      publish: (batch) => publisher.publish(batch),
      moveToFailureQueue,
      onError: (error, sequenceNumber) => {
        errors.push(error.message);
        reported.push(sequenceNumber);
      },
    });
    const { batchItemFailures } = await handler(event);
    return { failed: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier), reported, errors };
  }

  const tradeIds = async (market: string): Promise<string[]> => {
    const entries = await redis.commands.xrange(streamKey({ channel: "market:trades", key: market }), "-", "+");
    return entries.map(([, fields]) => JSON.parse(`${fields[1]}}`).data.id);
  };

  it("publishes the valid records in order and reports exactly the others", async () => {
    const poison = [
      record(2, "not JSON"),
      record(4, "null"),
      record(6, JSON.stringify({ ...trade, Detail: { ...trade.Detail, price: "1.5" } })),
      record(8, JSON.stringify({ ...trade, DetailType: "Unknown" })),
    ];
    const sound = [1, 3, 5, 7, 9].map((number) => good(number, "kinesis"));
    const Records = [...poison, ...sound].sort((a, b) => a.eventID.localeCompare(b.eventID));
    const { failed, errors } = await handle({ Records });
    expect(failed.sort()).toEqual(["4900002", "4900004", "4900006", "4900008"]);
    expect(errors.join("\n")).toMatch(/not JSON/);
    expect(errors.join("\n")).toMatch(/detail\.price: a price of an outcome lies between 0 and 1/);
    expect(await tradeIds("kinesis")).toEqual(["trade-1", "trade-3", "trade-5", "trade-7", "trade-9"]);
  });

  it("takes the detail as JSON text too, as PutEvents does", async () => {
    const Detail = JSON.stringify({ ...trade.Detail, marketId: "text", id: "trade-text" });
    const Records = [
      record(1, JSON.stringify({ ...trade, Detail })),
      record(2, JSON.stringify({ ...trade, Detail: "{" })),
      record(3, JSON.stringify({ ...trade, Detail: "[]" })),
    ];
    const { failed, errors } = await handle({ Records });
    expect(await tradeIds("text")).toEqual(["trade-text"]);
    expect(failed.toSorted()).toEqual(["4900002", "4900003"]);
    expect(errors.join("\n")).toContain("the text of Detail is not JSON");
  });

  it("reports the records that were not published, with the reason and the sequence number of each", async () => {
    const price = exampleNamed("PriceChanged");
    const priceAt = (number: number, time: number) =>
      record(number, JSON.stringify({ ...price, Detail: { ...price.Detail, marketId: "ahead", time } }));
    const hourAhead = Date.now() + 3_600_000;
    const Records = [priceAt(1, Date.now()), priceAt(2, hourAhead), record(3, "not JSON"), priceAt(4, hourAhead)];

    const { failed, reported, errors } = await handle({ Records });

    expect(failed.toSorted()).toEqual(["4900002", "4900003", "4900004"]);
    expect(reported.toSorted()).toEqual(failed.toSorted());
    expect(errors.filter((text) => text.includes("ahead of Redis"))).toHaveLength(2);
    expect(await redis.commands.xlen(streamKey({ channel: "market:prices", key: "ahead" }))).toBe(1);
  });

  it("fails as a whole, for Lambda to retry, where it is not known what was published", async () => {
    const handler = createStreamHandler("market-data", {
      publish: () => Promise.reject(new Error("out of memory")),
      moveToFailureQueue,
      onError: () => undefined,
    });
    await expect(handler({ Records: [good(300, "unknown")] })).rejects.toThrow("out of memory");
  });

  it("publishes nothing twice when the batch is delivered again, whole or in part", async () => {
    const Records = Array.from({ length: 50 }, (_, index) => good(100 + index, "redelivered"));
    await handle({ Records: Records.slice(0, 30) });
    await handle({ Records: Records.slice(10) });
    await Promise.all([handle({ Records }), handle({ Records })]);
    expect(await tradeIds("redelivered")).toEqual(Records.map((_, index) => `trade-${100 + index}`));
  });
});
