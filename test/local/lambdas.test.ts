import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { type LambdaFailure, Lambdas } from "../../local/lambdas.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { examples } from "../support/messages.ts";

let server: RunningRedis;
let redis: Redis;
let lambdas: Lambdas;
const failed: LambdaFailure[] = [];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.port);
  lambdas = new Lambdas({
    environment: { RT_REDIS_URL: server.url },
    onFailure: (failure) => failed.push(failure),
    onLog: () => undefined,
  });
});
afterAll(async () => {
  await lambdas.stop();
  redis.disconnect();
  await server.stop();
});

const trade = examples.find(({ DetailType }) => DetailType === "TradeExecuted");
const event = (id: string, detail: unknown) => ({
  id,
  source: trade?.Source,
  "detail-type": trade?.DetailType,
  detail,
});
const stream = streamKey({ channel: "market:trades", key: String(trade?.Detail.marketId) });

describe("the local Lambdas", () => {
  it("run the handlers themselves: an event becomes an entry of its stream, and a redelivery does not", async () => {
    await lambdas.invoke("market-data", event("once", trade?.Detail));
    await lambdas.invoke("market-data", event("once", trade?.Detail));
    expect(await redis.xlen(stream)).toBe(1);
  });

  it("report the failures of a Kinesis batch one by one", async () => {
    const record = (number: number, text: string) => ({
      eventID: `shard:${number}`,
      kinesis: { sequenceNumber: String(number), data: Buffer.from(text).toString("base64") },
    });
    const Records = [record(1, JSON.stringify(trade)), record(2, "poison"), record(3, JSON.stringify(trade))];
    expect(await lambdas.invoke("market-data", { Records })).toEqual({ batchItemFailures: [{ itemIdentifier: "2" }] });
    expect(await redis.xlen(stream)).toBe(3);
  });

  it("throw on invalid input, with the field's name", async () => {
    await expect(lambdas.invoke("market-data", event("bad", { ...trade?.Detail, price: 0.5 }))).rejects.toThrow(
      /price/,
    );
  });

  it("store an event that fails three times, and a crash of their process ends nothing else", async () => {
    await lambdas.invokeAsynchronously("orders", { id: "x", source: "vezta.orders", "detail-type": "OrderChanged" });
    expect(failed).toMatchObject([{ domain: "orders", attempts: 3 }]);
    const crash = lambdas.invoke("market-data", null);
    await expect(crash).rejects.toThrow();
    await lambdas.invoke("market-data", event("after", trade?.Detail));
    expect(await redis.xlen(stream)).toBe(4);
  });
});
