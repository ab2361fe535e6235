import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { channelNames } from "../../contract/channels.ts";
import { roomName } from "../../contract/stream.ts";
import { accessStrings, type RedisRole, redisRoles } from "../../infra/constructs/support/redis-users.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher } from "../../kernel/streams/publisher.ts";
import { staleSinceKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { readState } from "../../kernel/streams/stored-state.ts";
import { createStreamReader } from "../../kernel/streams/stream-reader.ts";
import { createEdgeStreams } from "../../lambdas/managed-edge/streams/edge-streams.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { createIssuer } from "../../local/issuer.ts";
import { type RunningRedisCluster, startRedisCluster } from "../../local/redis-cluster.ts";
import { connectClient } from "../support/client.ts";
import { message, numberOf } from "../support/messages.ts";
import { synthesize } from "./synthesize.ts";

const PASSWORD = "a-password-of-the-test";

/** Creates the users of the template on a node. */
async function setUsers(port: number): Promise<void> {
  const admin = new Redis({ port });
  for (const role of redisRoles)
    await admin.call("ACL", "SETUSER", role, `>${PASSWORD}`, ...accessStrings[role].split(" "));
  await admin.quit();
}

let cluster: RunningRedisCluster;
const open: { disconnect(): void }[] = [];

const port = (): number => cluster.nodes[0]?.port ?? 0;

const connect = (username: string) => {
  const client = new Redis({ port: port(), username, password: PASSWORD, maxRetriesPerRequest: 0 });
  open.push(client);
  return client;
};

beforeAll(async () => {
  cluster = await startRedisCluster();
  await Promise.all(cluster.nodes.map(({ port: node }) => setUsers(node)));
});

afterAll(async () => {
  for (const client of open) client.disconnect();
  await cluster.stop();
});

// A synth takes seconds, and minutes on a busy machine.
describe("the users of the template", { timeout: 600_000 }, () => {
  it("have every right where ElastiCache refuses the strict strings, one for all", () => {
    const users = synthesize({ cache: { accessStrings: "broad" } }).ofType("AWS::ElastiCache::User");

    expect(users.map(({ Properties }) => Properties.AccessString)).toEqual(redisRoles.map(() => "on ~* &* +@all"));
  });

  it("have the access strings that these tests use", () => {
    const users = synthesize({}).ofType("AWS::ElastiCache::User");

    const strings = Object.fromEntries(users.map(({ Properties }) => [Properties.UserName, Properties.AccessString]));
    expect(strings).toEqual(accessStrings);
  });
});

const configOf = (role: RedisRole) =>
  parseEnvironment(redisEnvironment, {
    RT_REDIS_URL: `redis://127.0.0.1:${port()}`,
    RT_REDIS_CLUSTER: "true",
    RT_REDIS_USERNAME: role,
    RT_REDIS_PASSWORD: PASSWORD,
  });

const publisherOfTheTemplate = () => {
  const client = connectPublisher(configOf("publisher"), () => undefined);
  open.push(client);
  return createPublisher(client);
};

describe("the publisher", () => {
  it.each(channelNames)("may publish to %s", async (channel) => {
    const [outcome] = await publisherOfTheTemplate().publish([message(channel, "example", 1)]);

    expect(outcome?.status).toBe("published");
  });

  it("may run every branch of the guards: older states, runs of them, more orders than one hash holds, a forged id", async () => {
    const publisher = publisherOfTheTemplate();
    const admin = new Cluster([{ host: "127.0.0.1", port: port() }]);
    open.push(admin);
    const stream = { channel: "user:orders", key: "guards" } as const;
    const order = (id: number, time: number) => {
      const { data, ...given } = message("user:orders", "guards", time);
      return { ...given, eventId: `${id}/${time}`, data: { ...data, id: `order-${id}` } } as never;
    };
    await publisher.publish(Array.from({ length: 1_001 }, (_, id) => order(id, 5)));
    await publisher.publish([order(1, 4)]);
    await admin.zadd(staleSinceKey(stream), Date.now() - 60_000, "order-1");
    const again = await publisher.publish([order(1, 3), order(1, 6)]);
    await admin.xadd(streamKey(stream), "999999999999999-0", "m", "{", "p", "0-0");
    const anew = await publisher.publish([order(1, 7)]);

    expect([...again, ...anew].map(({ status }) => status)).toEqual(["stale", "published", "published"]);
    expect(await admin.xlen(streamKey(stream))).toBe(1);
  });

  it.each([
    ["read a range of a stream", ["XRANGE", "stream:{user:orders:alice}", "-", "+"]],
    ["subscribe to a room", ["SSUBSCRIBE", "socket.io#/ws#{user:orders:alice}#"]],
    ["publish to the adapter's control channel", ["SPUBLISH", "socket.io#/ws#", "x"]],
    ["publish to one gateway", ["SPUBLISH", "socket.io#/ws#a1b2c3#", "x"]],
    ["write a key of its own", ["SET", "anything", "x"]],
    ["delete", ["DEL", "stream:{user:orders:alice}"]],
    ["list keys", ["KEYS", "*"]],
    ["empty the database", ["FLUSHALL"]],
    ["change users", ["ACL", "SETUSER", "publisher", "allkeys"]],
  ])("may not %s", async (_name, [command = "", ...values]) => {
    await expect(connect("publisher").call(command, ...values)).rejects.toThrow(/NOPERM/);
  });
});

describe("the managed edge", () => {
  it.each([
    ["write a stream", ["XADD", "stream:{user:orders:alice}", "*", "a", "b"]],
    ["overwrite a stream", ["SET", "stream:{user:orders:alice}", "x"]],
    ["overwrite a value", ["SET", "state:{user:portfolio:alice}", "x"]],
    ["run a script on a stream", ["EVAL", "return 1", "1", "stream:{user:orders:alice}"]],
    ["publish", ["SPUBLISH", "socket.io#/ws#{user:orders:alice}#", "x"]],
    ["subscribe to a room", ["SSUBSCRIBE", "socket.io#/ws#{user:orders:alice}#"]],
    ["write a key of its own", ["SET", "anything", "x"]],
    ["delete", ["DEL", "edge:{user:orders:alice}"]],
    ["list keys", ["KEYS", "*"]],
    ["empty the database", ["FLUSHALL"]],
  ])("may not %s", async (_name, [command = "", ...values]) => {
    await expect(connect("managed-edge").call(command, ...values)).rejects.toThrow(/NOPERM/);
  });

  it("reads streams and writes its own keys, on a cluster", async () => {
    const redis = connectPublisher(configOf("managed-edge"), () => undefined);
    open.push(redis);
    const stream = { channel: "market:trades", key: "edge" } as const;
    const streams = createEdgeStreams(redis);
    const reader = createStreamReader(redis);
    await publisherOfTheTemplate().publish([message("market:trades", "edge", 1), message("market:trades", "edge", 2)]);

    const [newest] = await reader.newest(stream, 1);
    await streams.mark([roomName(stream)]);
    const id = newest?.id ?? "";
    await streams.moveCursor({ stream }, await streams.readCursor({ stream }), { id });
    const whole = { channel: "market:trades" } as const;
    expect(await streams.claim(whole, "a")).toBe("first");
    expect(await streams.adopt(whole, "a", [{ stream: { ...whole, key: "other" }, id }])).toBe(true);
    await streams.open(whole, "a");

    expect(await reader.after(stream, "0-0", 10)).toHaveLength(2);
    expect(await reader.activeKeys("market:trades", 0)).toContain("edge");
    const scopes = ["edge", "other"].map((key) => ({ stream: { channel: whole.channel, key } }));
    expect((await streams.readCursors(scopes)).map(({ cursor }) => cursor)).toEqual([{ id }, { id }]);
    expect(await streams.now(stream)).toBeGreaterThanOrEqual(Number.parseInt(newest?.id ?? "", 10));
  });

  it("reads the values of state channels", async () => {
    const book = message("market:orderbook", "edge", 1);
    await publisherOfTheTemplate().publish([book]);
    const redis = connectPublisher(configOf("managed-edge"), () => undefined);
    open.push(redis);
    expect(await readState(redis, { channel: "market:orderbook", key: "edge" })).toMatchObject({ value: book.data });
  });
});

describe("the gateway", () => {
  it.each([
    ["write a key of its own", ["SET", "anything", "x"]],
    ["delete", ["DEL", "stream:{user:orders:alice}"]],
    ["empty the database", ["FLUSHALL"]],
  ])("may not %s", async (_name, [command = "", ...values]) => {
    await expect(connect("gateway").call(command, ...values)).rejects.toThrow(/NOPERM/);
  });

  it("serves a client from the history and live, on a cluster, as its own user", async () => {
    const issuer = await createIssuer();
    const gateway: GatewayProcess = await startGateway({
      ...issuer.env,
      RT_REDIS_URL: `redis://127.0.0.1:${port()}`,
      RT_REDIS_CLUSTER: "true",
      RT_REDIS_USERNAME: "gateway",
      RT_REDIS_PASSWORD: PASSWORD,
    });
    open.push({ disconnect: () => gateway.process.kill("SIGKILL") });
    const publisher = publisherOfTheTemplate();
    await publisher.publish([message("market:trades", "history", 1)]);
    const client = await connectClient(gateway.url, {});
    open.push({ disconnect: () => client.close() });

    await client.ask("subscribe", { channel: "market:trades", lastId: "0-0" });
    await publisher.publish([message("market:trades", "history", 2)]);

    const numbers = () =>
      client
        .of("market:trades")
        .filter(({ marketId }) => marketId === "history")
        .map(({ data }) => numberOf(data));
    await expect.poll(numbers).toEqual([1, 2]);
    expect(gateway.log()).not.toContain("NOPERM");
  });
});
