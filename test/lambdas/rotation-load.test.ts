import { setTimeout as delay } from "node:timers/promises";
import { Logger } from "@aws-lambda-powertools/logger";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type RedisRole, redisRoles } from "../../infra/constructs/support/redis-users.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { redisSecretEnvironment } from "../../kernel/redis/redis-secret.ts";
import { createStreamReader } from "../../kernel/streams/stream-reader.ts";
import { openRedis } from "../../lambdas/managed-edge/clients.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { createIssuer } from "../../local/issuer.ts";
import { createPublisher, type Publisher } from "../../publisher/index.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { message, numberOf } from "../support/messages.ts";
import { redisKinds } from "../support/redis.ts";
import { type RotationSystem, secretArn, startRotationSystem } from "../support/rotation-system.ts";

const MARKETS = ["one", "two", "three"];

/** What a warm function of the managed edge does: reads over a connection that it keeps. */
async function openEdgeReader(system: RotationSystem) {
  const environment = redisEnvironment.extend(redisSecretEnvironment.shape);
  const config = parseEnvironment(environment, system.environment("managed-edge"));
  const { redis, withFreshPassword } = await openRedis(config, new Logger({ logLevel: "SILENT" }));
  const reader = createStreamReader(redis);
  const read = withFreshPassword((key: string) => reader.newest({ channel: "market:trades", key }, 1));
  return { read, close: () => redis.disconnect() };
}

function openPublisher(system: RotationSystem): Publisher {
  const { RT_REDIS_URL = "", RT_REDIS_CLUSTER } = system.environment("publisher");
  return createPublisher({
    redis: {
      url: RT_REDIS_URL,
      cluster: RT_REDIS_CLUSTER === "true",
      username: "publisher",
      passwordSecretArn: secretArn("publisher"),
    },
    logger: { warn: () => undefined },
  });
}

/** Repeats a call until it is stopped, and keeps what it failed with. */
function repeat(call: (round: number) => Promise<unknown>) {
  const failures: unknown[] = [];
  let rounds = 0;
  let isStopped = false;
  const ended = (async () => {
    while (!isStopped) {
      rounds += 1;
      await call(rounds).catch((error: unknown) => failures.push(error));
      await delay(2);
    }
  })();
  const stop = (): Promise<void> => {
    isStopped = true;
    return ended;
  };
  return { failures, rounds: () => rounds, stop };
}

describe.each(redisKinds)("%s under load", (kind) => {
  let system: RotationSystem;
  let gateways: readonly GatewayProcess[];
  let clients: readonly TestClient[];
  let publisher: Publisher;
  let edge: Awaited<ReturnType<typeof openEdgeReader>>;
  let publishing: ReturnType<typeof repeat>;
  let reading: ReturnType<typeof repeat>;

  /** Ends every connection of the three users, so that each has to authenticate again. */
  const cutConnections = async () => {
    for (const node of system.nodes) for (const role of redisRoles) await node.call("CLIENT", "KILL", "USER", role);
  };
  const rotateAll = () => Promise.all(redisRoles.map((role) => system.rotate(role)));
  /** Waits until the load has gone on for some rounds, of both kinds. */
  const someRounds = async () => {
    const [published, read] = [publishing.rounds(), reading.rounds()];
    await expect.poll(() => Math.min(publishing.rounds() - published, reading.rounds() - read)).toBeGreaterThan(50);
  };
  const numbersOf = (client: TestClient, key: string) =>
    client
      .of("market:trades")
      .filter(({ marketId }) => marketId === key)
      .map(({ data }) => numberOf(data));

  beforeAll(async () => {
    system = await startRotationSystem(kind);
    for (const [name, value] of Object.entries(system.environment("publisher"))) {
      if (name.startsWith("AWS_")) vi.stubEnv(name, value);
    }
    const issuer = await createIssuer();
    gateways = await Promise.all([1, 2].map(() => startGateway({ ...issuer.env, ...system.environment("gateway") })));
    publisher = openPublisher(system);
    edge = await openEdgeReader(system);
    await publisher.publish(MARKETS.map((key) => message("market:trades", key, 1)));
    clients = await Promise.all(gateways.map(({ url }) => connectClient(url)));
    await Promise.all(
      clients.map((client) => client.ask("subscribe", { channel: "market:trades", marketId: MARKETS, lastId: "0-0" })),
    );
    publishing = repeat((round) => publisher.publish(MARKETS.map((key) => message("market:trades", key, round + 1))));
    reading = repeat((round) => edge.read(MARKETS[round % MARKETS.length] ?? ""));
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await Promise.all(gateways.map((gateway) => gateway.stop("SIGKILL")));
    await publisher.close();
    edge.close();
    await system.stop();
    vi.unstubAllEnvs();
  });

  it("rotates all users twice while connections stay open: no password is refused", async () => {
    await someRounds();
    await rotateAll();
    await someRounds();
    await rotateAll();
    await someRounds();

    expect(await system.refusedPasswords()).toBe(0);
    expect(publishing.failures).toEqual([]);
    expect(reading.failures).toEqual([]);
  });

  it("has consumers read the secret again where the password they hold is two rotations old", async () => {
    const readsBefore = new Map(system.secrets.reads);
    await cutConnections();
    await someRounds();

    expect(await system.refusedPasswords()).toBeGreaterThan(0);
    const newReads = (role: RedisRole) =>
      (system.secrets.reads.get(secretArn(role)) ?? 0) - (readsBefore.get(secretArn(role)) ?? 0);
    await expect.poll(() => newReads("gateway")).toBeGreaterThanOrEqual(gateways.length);
    expect(newReads("publisher")).toBeGreaterThan(0);
    expect(newReads("managed-edge")).toBeGreaterThan(0);
    await Promise.all(
      gateways.map(({ url }) => expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200)),
    );
  });

  it("refuses nobody where connections are opened anew after one rotation", async () => {
    await someRounds();
    const refused = await system.refusedPasswords();
    await rotateAll();
    await cutConnections();
    await someRounds();

    expect(await system.refusedPasswords()).toBe(refused);
  });

  it("has refused no publish and no read, and delivered every message once and in order", async () => {
    await publishing.stop();
    await reading.stop();
    const all = Array.from({ length: publishing.rounds() + 1 }, (_, index) => index + 1);

    expect(publishing.failures).toEqual([]);
    expect(reading.failures).toEqual([]);
    for (const client of clients) {
      for (const key of MARKETS) {
        await expect.poll(() => numbersOf(client, key).at(-1)).toBe(all.at(-1));
        expect(numbersOf(client, key)).toEqual(all);
      }
      expect(client.errors).toEqual([]);
    }
  });
});
