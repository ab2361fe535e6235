import { createServer } from "node:http2";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseFailedEvent } from "../../cli/redrive/failed-event.ts";
import { type FailureQueue, startFailureQueue } from "../../local/failure-queue.ts";
import { localCredentials } from "../../local/managed-edge/dynamo.ts";
import type { LocalPlatform } from "../../local/platform.ts";
import { startQuietPlatform } from "../../local/quiet-platform.ts";
import { examples } from "../support/messages.ts";
import { jsonLines, vezta } from "../support/vezta.ts";

const busEvent = {
  ...{ version: "0", id: "e1", source: "vezta.orders", "detail-type": "OrderChanged", account: "1" },
  ...{ time: "2026-01-01T00:00:00Z", region: "us-east-1", resources: [], detail: { id: "o1" } },
};

const ARN = "arn:aws:kinesis:us-east-1:111122223333:stream/market";

const batchBody = (startSequenceNumber: string, endSequenceNumber: string): string =>
  JSON.stringify({
    requestContext: { condition: "RetryAttemptsExhausted" },
    KinesisBatchInfo: {
      shardId: "shardId-000000000000",
      streamArn: ARN,
      startSequenceNumber,
      endSequenceNumber,
      batchSize: 2,
    },
  });

describe("a message of a failure queue", () => {
  it.each([
    [
      "Lambda's record",
      JSON.stringify({ requestPayload: busEvent, responsePayload: { errorMessage: "no Redis" } }),
      {},
      "event",
      "no Redis",
    ],
    [
      "EventBridge's own",
      JSON.stringify(busEvent),
      { ERROR_CODE: { StringValue: "NO_PERMISSIONS" } },
      "event",
      "NO_PERMISSIONS",
    ],
    ["records of a stream", batchBody("1", "2"), {}, "batch", "RetryAttemptsExhausted"],
    ["anything else", '{"a":1}', {}, "unknown", "none of the forms"],
    ["no JSON", "x", {}, "unknown", "not JSON"],
  ])("of %s is known by its form", (_name, body, attributes, kind, reason) => {
    expect(parseFailedEvent(body, attributes)).toMatchObject({ kind, reason: expect.stringContaining(reason) });
  });
});

describe("vezta redrive", () => {
  let queue: FailureQueue;
  const retried: unknown[] = [];
  let environment: Record<string, string>;
  /** Kinesis, over HTTP/2 as the SDK speaks it, as far as the command needs it: a page has one record. */
  const kinesis = createServer(async (request, response) => {
    const body = JSON.parse(await text(request));
    response.setHeader("content-type", "application/x-amz-json-1.1");
    const records = ["100", "200", "300"].map((SequenceNumber) => ({
      ...{ SequenceNumber, PartitionKey: "m1", ApproximateArrivalTimestamp: 1_767_225_600 },
      Data: Buffer.from(`record ${SequenceNumber}`).toString("base64"),
    }));
    if (String(request.headers["x-amz-target"]).endsWith("GetShardIterator")) {
      if (body.StartingSequenceNumber === "100") return response.end(JSON.stringify({ ShardIterator: "0" }));
      response.writeHead(400);
      return response.end(JSON.stringify({ __type: "InvalidArgumentException", message: "trimmed" }));
    }
    const at = Number(body.ShardIterator);
    return response.end(JSON.stringify({ Records: records.slice(at, at + 1), NextShardIterator: String(at + 1) }));
  });
  beforeAll(async () => {
    queue = await startFailureQueue(
      () => undefined,
      (body) => retried.push(JSON.parse(body)),
    );
    await new Promise<void>((resolve) => kinesis.listen(0, "127.0.0.1", resolve));
    const { port } = kinesis.address() as { port: number };
    environment = {
      ...localCredentials,
      AWS_ENDPOINT_URL_SQS: new URL(queue.environment.RT_FAILURE_QUEUE_URL).origin,
      AWS_ENDPOINT_URL_KINESIS: `http://127.0.0.1:${port}`,
    };
  });
  afterAll(() => {
    queue.stop();
    kinesis.close();
  });
  const run = (...values: string[]) =>
    vezta(["redrive", queue.environment.RT_FAILURE_QUEUE_URL, "--url", "https://deployed.test", "--json", ...values], {
      environment,
    });

  it("puts events of all three formats back as their source wrote them, and leaves what leads nowhere", async () => {
    queue.keep(JSON.stringify({ requestPayload: busEvent, responsePayload: { errorMessage: "no Redis" } }));
    queue.keep(JSON.stringify(busEvent), { ERROR_CODE: { StringValue: "NO_PERMISSIONS", DataType: "String" } });
    queue.keep(batchBody("100", "200"));
    queue.keep(batchBody("7", "9"));

    const result = await run();

    expect(jsonLines(result)).toMatchObject([
      { outcome: "redriven", events: 1, subject: "vezta.orders OrderChanged e1", reason: "no Redis" },
      { outcome: "redriven", events: 1, reason: expect.stringContaining("NO_PERMISSIONS") },
      { outcome: "redriven", events: 2, subject: "2 records of shardId-000000000000" },
      { outcome: "left", events: 0, note: expect.stringContaining("trimmed") },
    ]);
    expect(result.code).toBe(1);
    expect(retried).toMatchObject([
      { requestPayload: busEvent },
      busEvent,
      { requestPayload: { sequenceNumber: "100", data: Buffer.from("record 100").toString("base64") } },
      { requestPayload: { sequenceNumber: "200" } },
    ]);
    expect(queue.size).toBe(1);
  });

  it("changes nothing with --dry-run", async () => {
    queue.keep(JSON.stringify({ requestPayload: busEvent, responsePayload: { errorMessage: "no Redis" } }));
    const before = retried.length;

    const result = await run("--dry-run");

    // What was left is there again at once.
    expect(jsonLines(result)).toMatchObject([
      { outcome: "left" },
      { outcome: "would be redriven", reason: "no Redis" },
    ]);
    expect([queue.size, retried.length]).toEqual([2, before]);
  });
});

describe("vezta redrive on a local system", () => {
  let platform: LocalPlatform;
  beforeAll(async () => {
    platform = await startQuietPlatform();
  });
  afterAll(() => platform.stop());

  it("puts an event back through the real function; one that is wrong in itself comes back with its reason", async () => {
    const url = ["--url", `http://127.0.0.1:${platform.port}`];
    const order = examples.find(({ DetailType }) => DetailType === "OrderChanged");
    const entry = { ...order, Detail: JSON.stringify({ ...order?.Detail, price: 0.5 }) };
    await fetch(`http://127.0.0.1:${platform.port}/dev/aws`, {
      method: "POST",
      headers: { "x-amz-target": "AWSEvents.PutEvents" },
      body: JSON.stringify({ Entries: [entry] }),
    });
    const look = () => vezta(["redrive", "--dry-run", "--json", ...url]);
    const failures = async (): Promise<unknown[]> =>
      ((await (await fetch(`http://127.0.0.1:${platform.port}/dev/failures`)).json()) as { failures: unknown[] })
        .failures;
    await expect.poll(failures).toHaveLength(1);

    const result = await vezta(["redrive", ...url]);

    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining("detail.price: send decimals")]);
    await expect.poll(failures).toHaveLength(2);
    expect(jsonLines(await look())).toMatchObject([{ outcome: "would be redriven" }]);
  });
});
