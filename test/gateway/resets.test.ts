import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareIds, timeOf } from "../../contract/ids.ts";
import { type LinkProxy, openLinkProxy } from "../../drill/link-proxy.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { startGateway } from "../../local/gateway.ts";
import { createIssuer } from "../../local/issuer.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { createFalseClock, type FalseClock } from "../support/false-clock.ts";
import { message, messages } from "../support/messages.ts";

/** Far below the 20 s by which the clock is wrong. */
const SOON = { timeout: 12_000 };

const ends: (() => unknown)[] = [];
let clock: FalseClock;
beforeEach(async () => {
  clock = await createFalseClock();
  ends.push(() => clock.remove());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startRedisWith(environment: Readonly<Record<string, string>>): Promise<RunningRedis> {
  // Else a primary waits for 5 s in case more replicas come.
  const redis = await startRedis({ environment, configuration: ["--repl-diskless-sync-delay", "0"] });
  ends.push(() => redis.stop());
  return redis;
}

const commandsOn = (url: string) => {
  const connection = connectPublisher(parseEnvironment(redisEnvironment, { RT_REDIS_URL: url }), () => undefined);
  ends.push(() => connection.disconnect());
  return connection;
};

async function connectThrough(url: string, heartbeatMs = 500): Promise<() => Promise<TestClient>> {
  const issuer = await createIssuer();
  const gateway = await startGateway({ ...issuer.env, RT_REDIS_URL: url, RT_HEARTBEAT_MS: String(heartbeatMs) });
  ends.push(() => gateway.stop("SIGKILL"));
  return async () => {
    const client = await connectClient(gateway.url);
    ends.push(() => client.close());
    return client;
  };
}

const publishOn = (publisher: Publisher) => async (batch: Parameters<Publisher["publish"]>[0]) => {
  const outcomes = await publisher.publish(batch);
  return outcomes.map((outcome) => (outcome.status === "published" ? outcome.id : outcome.status));
};

describe("a failover to a replica that is 20 s behind and has lost entries", () => {
  let primary: RunningRedis;
  let replica: RunningRedis;
  let proxy: LinkProxy;
  let publish: ReturnType<typeof publishOn>;
  beforeEach(async () => {
    await clock.set(-20);
    [primary, replica] = await Promise.all([startRedisWith({}), startRedisWith(clock.environment)]);
    proxy = await openLinkProxy(primary.port);
    ends.push(() => proxy.close());
    publish = publishOn(createPublisher(commandsOn(primary.url)));
    await commandsOn(replica.url).call("REPLICAOF", "127.0.0.1", primary.port);
  });

  /** Parts the replica from the primary once it has entry `id`: what is published after that stays with the primary. */
  const partAfter = async (key: string, id: string | undefined): Promise<void> => {
    const commands = commandsOn(replica.url);
    const top = async (): Promise<unknown> => {
      const [item] = (await commands.call("XREVRANGE", key, "+", "-", "COUNT", 1)) as [string, string[]][];
      return item?.[0];
    };
    await expect.poll(top).toBe(id);
    await commands.call("REPLICAOF", "NO", "ONE");
  };
  const failOver = (): void => {
    proxy.setTarget(replica.port);
    proxy.cut();
    proxy.heal();
    publish = publishOn(createPublisher(commandsOn(replica.url)));
  };

  it.each([
    ["market:trades", 3],
    ["market:prices", 3],
    ["market:trades", 90],
    ["market:prices", 12],
  ] as const)("delivers new messages on %s immediately after %i entries were lost", async (channel, lost) => {
    // No slow check helps: a message is enough.
    const connect = await connectThrough(`redis://127.0.0.1:${proxy.port}`, 60_000);
    const client = await connect();
    await client.ask("subscribe", { channel, marketId: "reset" });
    const kept = await publish(messages(channel, "reset", 2, 0));
    await partAfter(streamKey({ channel, key: "reset" }), kept.at(-1));
    for (const each of messages(channel, "reset", lost, 10)) await publish([each]);
    const gone = await publish(messages(channel, "reset", 1, 1_000));
    await expect.poll(() => client.ids(channel)).toContain(gone[0]);

    failOver();
    const [first = ""] = await publish(messages(channel, "reset", 1, 2_000));
    expect(compareIds(first, String(gone[0]))).toBeLessThan(0);
    await expect.poll(() => client.ids(channel), SOON).toContain(first);
    const [second = ""] = await publish(messages(channel, "reset", 1, 3_000));
    await expect.poll(() => client.ids(channel).at(-1), SOON).toBe(second);
    expect(client.of(channel).at(-1)?.prev).toBe(first);

    const back = await connect();
    const answer = await back.ask("subscribe", { channel, marketId: "reset", lastId: gone[0] });
    expect(answer).toMatchObject({ recovered: false, id: second });
    await expect.poll(() => back.ids(channel)).toContain(second);
  });

  it.each(["market:trades", "market:prices"] as const)(
    "is visible in the heartbeats of %s, also without new messages",
    async (channel) => {
      const connect = await connectThrough(`redis://127.0.0.1:${proxy.port}`);
      const client = await connect();
      await client.ask("subscribe", { channel, marketId: "reset" });
      await client.ask("subscribe", { channel });
      const [kept] = await publish(messages(channel, "reset", 1, 0));
      await partAfter(streamKey({ channel, key: "reset" }), kept);
      const [gone] = await publish(messages(channel, "reset", 1, 10));
      await expect.poll(() => client.ids(channel)).toContain(gone);
      const heard = () => client.heartbeats.map(({ marketId, id, ids }) => (marketId ? id : ids?.reset));
      await expect.poll(heard).toContain(gone);

      client.heartbeats.length = 0;
      failOver();
      await expect.poll(heard, SOON).toContain(kept);
      const back = await connect();
      const answer = await back.ask("subscribe", { channel, marketId: "reset", lastId: gone });
      expect(answer).toMatchObject({ recovered: false, id: kept });
    },
  );
});

describe("a Redis whose clock goes 60 s ahead and comes back", () => {
  it("keeps its streams, and new streams are found without a message", async () => {
    const redis = await startRedisWith(clock.environment);
    const commands = commandsOn(redis.url);
    const publish = publishOn(createPublisher(commands));
    const channel = "market:trades" as const;
    const connect = await connectThrough(redis.url);
    const client = await connect();
    await client.ask("subscribe", { channel });
    const ids = await publish(messages(channel, "old", 2));

    await clock.set(60);
    ids.push(...(await publish(messages(channel, "old", 2, 3))));
    expect(timeOf(ids.at(-1) ?? "")).toBeGreaterThan(Date.now() + 40_000);
    await expect.poll(() => client.ids(channel)).toEqual(ids);

    await clock.set(0);
    ids.push(...(await publish(messages(channel, "old", 2, 5))));
    const { data } = message(channel, "unheard", 1);
    const body = JSON.stringify({ channel, marketId: "unheard", data }).slice(0, -1);
    const unheard = String(
      await commands.call("XADD", streamKey({ channel, key: "unheard" }), "*", "m", body, "p", "0-0"),
    );
    await commands.call("ZADD", `index:{${channel}}`, timeOf(unheard), "unheard");
    await expect.poll(() => client.ids(channel), SOON).toEqual(expect.arrayContaining([...ids, unheard]));

    const back = await connect();
    const answer = await back.ask("subscribe", { channel, marketId: "old", lastId: ids[1] });
    expect(answer).toMatchObject({ recovered: true, id: ids.at(-1) });
    await expect.poll(() => back.ids(channel)).toEqual(ids.slice(2));
  });
});
