import { setTimeout as delay } from "node:timers/promises";
import calculateSlot from "cluster-key-slot";
import { type Cluster, Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { SlotMigrationError } from "../../kernel/streams/publish-errors.ts";
import { createPublisher, PublishError, type Publisher } from "../../kernel/streams/publisher.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { type RunningRedisCluster, startRedisCluster } from "../../local/redis-cluster.ts";
import { message, messages } from "../support/messages.ts";

let cluster: RunningRedisCluster;
let connect: () => Cluster;
let connection: Cluster;
let publisher: Publisher;
let nodes: Redis[] = [];
let rejections: unknown[] = [];
const note = (reason: unknown): void => void rejections.push(reason);

beforeAll(async () => {
  cluster = await startRedisCluster();
  nodes = cluster.nodes.map(({ port }) => new Redis({ port }));
  const config = parseEnvironment(redisEnvironment, { RT_REDIS_URL: cluster.urls[0], RT_REDIS_CLUSTER: "true" });
  connect = () => connectPublisher(config, () => undefined) as Cluster;
  connection = connect();
  publisher = createPublisher(connection);
  process.on("unhandledRejection", note);
});
afterEach(() => {
  rejections = [];
});
afterAll(async () => {
  process.off("unhandledRejection", note);
  for (const { process: node } of cluster.nodes) node.kill("SIGCONT");
  connection.disconnect();
  for (const node of nodes) node.disconnect();
  await cluster.stop();
});

interface Migration {
  /** The index of the node that the slot moves to. */
  readonly target: number;
  /** Moves the keys and ends the migration, as `redis-cli --cluster reshard` does. */
  finish(): Promise<void>;
  /** Ends the migration without having moved anything. */
  giveUp(): Promise<void>;
}

/** Starts moving the slot of a key to another node. */
async function migrate(key: string): Promise<Migration> {
  const slot = calculateSlot(key);
  const names = await Promise.all(nodes.map((node) => node.call("CLUSTER", "MYID")));
  const holds = await Promise.all(nodes.map((node) => node.call("CLUSTER", "NODES").then(String)));
  const owner = holds.findIndex((text) => {
    const mine = text.split("\n").find((line) => line.includes("myself")) ?? "";
    return mine
      .split(" ")
      .slice(8)
      .some((range) => {
        const [from = "", to = from] = range.split("-");
        return slot >= Number(from) && slot <= Number(to);
      });
  });
  const target = (owner + 1) % nodes.length;
  const [source, taker] = [nodes[owner], nodes[target]];
  if (!source || !taker) throw new Error("no node has the slot");
  await taker.call("CLUSTER", "SETSLOT", slot, "IMPORTING", String(names[owner]));
  await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", String(names[target]));
  return {
    target,
    finish: async () => {
      for (;;) {
        const keys = (await source.call("CLUSTER", "GETKEYSINSLOT", slot, 100)) as string[];
        if (keys.length === 0) break;
        const port = cluster.nodes[target]?.port ?? 0;
        await source.call("MIGRATE", "127.0.0.1", port, "", 0, 5_000, "KEYS", ...keys);
      }
      for (const node of nodes) await node.call("CLUSTER", "SETSLOT", slot, "NODE", String(names[target]));
    },
    giveUp: async () => {
      for (const node of [source, taker]) await node.call("CLUSTER", "SETSLOT", slot, "STABLE");
    },
  };
}

it("publishes through the migration of a stream's slot, once and in order", async () => {
  const key = streamKey({ channel: "user:orders", key: "moving" });
  await publisher.publish(messages("user:orders", "moving", 3));
  const migration = await migrate(key);

  const publishing = publisher.publish(messages("user:orders", "moving", 3, 4));
  // Long enough for several refusals, and shorter than publish() waits.
  await delay(1_500);
  await migration.finish();

  expect((await publishing).map(({ status }) => status)).toEqual(["published", "published", "published"]);
  const held = await connection.xrange(key, "-", "+");
  expect(held.map(([, fields]) => JSON.parse(`${fields[1]}}`).data.id)).toEqual(["n1", "n2", "n3", "n4", "n5", "n6"]);
  expect(held.slice(1).map(([, fields]) => fields[3])).toEqual(held.slice(0, -1).map(([id]) => id));
});

it("fails in time, with the reason, where the migration takes longer", async () => {
  await publisher.publish([message("user:orders", "stuck", 1)]);
  const migration = await migrate(streamKey({ channel: "user:orders", key: "stuck" }));

  const error: unknown = await publisher
    .publish([message("user:orders", "stuck", 2)])
    .catch((reason: unknown) => reason);
  await migration.giveUp();

  if (!(error instanceof PublishError)) throw new Error("it was taken");
  expect(error.cause).toBeInstanceOf(SlotMigrationError);
  expect(error.message).toMatch(
    /user:orders stuck: Redis is moving the stream's slot and accepted no write for 4000 ms/,
  );
  const [outcome] = await publisher.publish([message("user:orders", "stuck", 2)]);
  expect(outcome?.status).toBe("published");
});

it("leaves no unhandled rejection where a redirect leads to a node that does not answer", async () => {
  // The slot has no keys yet, so every write is redirected to the node that it moves to.
  const migration = await migrate(streamKey({ channel: "user:orders", key: "frozen-target" }));
  const own = connect();
  await own.set("connected", "yes");
  cluster.nodes[migration.target]?.process.kill("SIGSTOP");

  const failing = createPublisher(own)
    .publish([message("user:orders", "frozen-target", 1)])
    .catch((reason: unknown) => reason);
  expect(await failing).toBeInstanceOf(PublishError);
  // ASKING has its own time limit, which may end after the command's.
  await delay(2_000);
  cluster.nodes[migration.target]?.process.kill("SIGCONT");
  await migration.giveUp();

  own.disconnect();
  expect(rejections).toEqual([]);
  await expect
    .poll(() =>
      publisher.publish([message("user:orders", "frozen-target", 1)]).then(
        () => "published",
        () => "failed",
      ),
    )
    .toBe("published");
});
