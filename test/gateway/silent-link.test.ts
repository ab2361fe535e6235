import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type LinkProxy, openLinkProxy } from "../../drill/link-proxy.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { message } from "../support/messages.ts";

/** More than the limit on silence, a round of questions and a reconnection take; without those it never ends. */
const LIMIT = { timeout: 60_000 };

interface Setup {
  readonly environment: Readonly<Record<string, string>>;
  readonly proxies: readonly LinkProxy[];
  readonly nodes: readonly RunningRedis[];
  stop(): Promise<void>;
}

async function single(): Promise<Setup> {
  const redis = await startRedis();
  const proxy = await openLinkProxy(redis.port);
  return {
    environment: { RT_REDIS_URL: `redis://127.0.0.1:${proxy.port}` },
    proxies: [proxy],
    nodes: [redis],
    async stop() {
      await proxy.close();
      await redis.stop();
    },
  };
}

/** Each node says that it is where its proxy is. */
async function cluster(): Promise<Setup> {
  const redis = await startRedisCluster();
  const proxies = await Promise.all(redis.nodes.map(({ port }) => openLinkProxy(port)));
  for (const [index, node] of redis.nodes.entries()) {
    const connection = connectPublisher(
      parseEnvironment(redisEnvironment, { RT_REDIS_URL: node.url }),
      () => undefined,
    );
    await connection.call("CONFIG", "SET", "cluster-announce-port", String(proxies[index]?.port));
    // Else the other nodes look for the bus beside the proxy.
    await connection.call("CONFIG", "SET", "cluster-announce-bus-port", String(node.port + 10_000));
    connection.disconnect();
  }
  return {
    environment: { RT_REDIS_URL: `redis://127.0.0.1:${proxies[0]?.port}`, RT_REDIS_CLUSTER: "true" },
    proxies,
    nodes: redis.nodes,
    async stop() {
      for (const proxy of proxies) await proxy.close();
      await redis.stop();
    },
  };
}

const channels = ["market:trades", "user:orders", "monitor:signals"] as const;
const keyOf = (channel: (typeof channels)[number]): string | undefined =>
  ({ "market:trades": "silent", "user:orders": "erin", "monitor:signals": undefined })[channel];

describe.each([
  ["a single Redis", single],
  ["a cluster", cluster],
])("with %s behind links that go silent without a reset", (_, start) => {
  let setup: Setup;
  let issuer: Issuer;
  let gateway: GatewayProcess;
  let publisher: Publisher;
  let publishing: ReturnType<typeof connectPublisher>;
  const clients: TestClient[] = [];
  beforeAll(async () => {
    [setup, issuer] = await Promise.all([start(), createIssuer()]);
    gateway = await startGateway({ ...issuer.env, ...setup.environment });
    publishing = connectPublisher(parseEnvironment(redisEnvironment, setup.environment), () => undefined);
    publisher = createPublisher(publishing);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await gateway.stop("SIGKILL");
    publishing.disconnect();
    await setup.stop();
  });

  const connect = async (): Promise<TestClient> => {
    const client = await connectClient(gateway.url, { token: await issuer.sign({ sub: "erin" }) });
    clients.push(client);
    for (const channel of channels) {
      const ask = () =>
        client.ask("subscribe", { channel, marketId: channel === "market:trades" ? "silent" : undefined });
      await expect.poll(ask, LIMIT).toMatchObject({ id: expect.any(String) });
    }
    return client;
  };
  const isReady = async (): Promise<boolean> => (await fetch(`${gateway.url}/readyz`)).ok;
  let number = 0;
  /** Publishes until it works; the ids of one message of each channel. */
  const publish = async (): Promise<(string | undefined)[]> => {
    number += 1;
    const batch = channels.map((channel) => message(channel, keyOf(channel), number));
    const ids: (string | undefined)[] = [];
    const attempt = async (): Promise<boolean> => {
      const outcomes = await publisher.publish(batch).catch(() => []);
      for (const [index, outcome] of outcomes.entries()) if (outcome.status === "published") ids[index] = outcome.id;
      return outcomes.length === batch.length;
    };
    await expect.poll(attempt, LIMIT).toBe(true);
    return ids;
  };

  it("publisher, clients, new subscribers and readiness recover by themselves", { timeout: 240_000 }, async () => {
    const early = await connect();
    const before = await publish();
    for (const [index, channel] of channels.entries()) {
      await expect.poll(() => early.ids(channel)).toContain(before[index]);
    }
    for (const proxy of setup.proxies) proxy.silence();
    await expect.poll(isReady, LIMIT).toBe(false);
    const after = await publish();
    for (const [index, channel] of channels.entries()) {
      if (after[index]) await expect.poll(() => early.ids(channel), LIMIT).toContain(after[index]);
    }
    await expect.poll(isReady, LIMIT).toBe(true);
    const late = await connect();
    const last = await publish();
    for (const client of [early, late]) {
      for (const [index, channel] of channels.entries()) {
        await expect.poll(() => client.ids(channel), LIMIT).toContain(last[index]);
      }
    }
    expect(early.socket.connected).toBe(true);
  });

  it("an idle connection is kept", { timeout: 60_000 }, async () => {
    await expect.poll(isReady, LIMIT).toBe(true);
    const count = async (): Promise<number> => {
      let opened = 0;
      for (const node of setup.nodes) {
        const connection = connectPublisher(
          parseEnvironment(redisEnvironment, { RT_REDIS_URL: node.url }),
          () => undefined,
        );
        const list = String(await connection.call("CLIENT", "LIST"));
        opened += list
          .split("\n")
          .filter((line) => /age=(?:[89]|[1-9]\d+) /.test(line) && /ssub=[1-9]/.test(line)).length;
        connection.disconnect();
      }
      return opened;
    };
    const connections = gateway.log().split("Redis connection failed").length;
    await delay(15_000);
    expect(gateway.log().split("Redis connection failed").length).toBe(connections);
    expect(await count()).toBeGreaterThan(0);
  });
});
