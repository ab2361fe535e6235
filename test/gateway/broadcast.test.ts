import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gatewayEnvironment } from "../../gateway/config.ts";
import { createGateway, type Gateway } from "../../gateway/server.ts";
import { createTokenVerifier } from "../../kernel/auth/token-verifier.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher, connectReader, connectSubscriber } from "../../kernel/redis/redis.ts";
import { createPublisher, PublishError } from "../../kernel/streams/publisher.ts";
import { message, timeOf } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
let gateway: Gateway;
let disconnect: () => void;

beforeAll(async () => {
  platform = await startPlatform();
  const redis = parseEnvironment(redisEnvironment, { RT_REDIS_URL: platform.redis.url });
  const config = parseEnvironment(gatewayEnvironment, { ...platform.issuer.env, RT_REDIS_URL: platform.redis.url });
  const onError = (error: Error) => {
    throw error;
  };
  const connections = [
    connectSubscriber(redis, onError),
    connectReader(redis, onError),
    connectPublisher(redis, onError),
  ] as const;
  const [subscriber, reader, publishing] = connections;
  gateway = createGateway({
    config,
    writeModes: { hasDirectWrites: true, hasCompression: true },
    subscriber,
    reader,
    publisher: createPublisher(publishing),
    verifyToken: createTokenVerifier(config),
    logger: pino({ level: "silent" }),
  });
  disconnect = () => {
    for (const connection of connections) connection.disconnect();
  };
});
afterAll(async () => {
  await gateway.close();
  disconnect();
  await platform.stop();
});

const price = { marketId: "broadcast", yes: "0.6", no: "0.4", time: timeOf(1) };

describe("broadcastToChannel", () => {
  it("reaches the clients of every gateway, with the event's name beside the data", async () => {
    const clients = await Promise.all([0, 1].map((number) => platform.connect({ gateway: number })));
    for (const client of clients) await client.ask("subscribe", { channel: "market:prices", marketId: "broadcast" });
    const outcome = await gateway.broadcastToChannel("market:prices", "corrected", price);
    expect(outcome.status).toBe("published");
    for (const client of clients) {
      await client.waitForMessages("market:prices", 1);
      expect(client.of("market:prices")).toMatchObject([{ event: "corrected", marketId: "broadcast", data: price }]);
    }
  });

  it("reaches one user alone on a private channel", async () => {
    const [alice, bob] = await Promise.all([platform.connect({ user: "alice" }), platform.connect({ user: "bob" })]);
    for (const client of [alice, bob]) await client.ask("subscribe", { channel: "user:notifications" });
    const { data } = message("user:notifications", "alice", 1);
    await gateway.broadcastToChannel("user:notifications", "created", data as never, { userId: "alice" });
    await alice.waitForMessages("user:notifications", 1);
    const [fence] = await platform.publish([message("user:notifications", "bob", 1)]);
    await expect.poll(() => bob.ids("user:notifications")).toEqual([fence]);
  });

  it("refuses data that does not match the channel's schema, naming the field", async () => {
    await expect(gateway.broadcastToChannel("market:prices", "x", { ...price, yes: "2" })).rejects.toThrow(/yes/);
    await expect(gateway.broadcastToChannel("user:orders", "x", {} as never)).rejects.toThrow(PublishError);
  });
});
