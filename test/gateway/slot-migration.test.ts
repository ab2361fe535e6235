import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { type GatewayProcess, startGateway } from "../../local/gateway.ts";
import { createIssuer } from "../../local/issuer.ts";
import { openProbe, type RunningRedis } from "../../local/redis.ts";
import { type RunningRedisCluster, startRedisCluster } from "../../local/redis-cluster.ts";
import { connectClient } from "../support/client.ts";
import { message } from "../support/messages.ts";

const LIMIT = { timeout: 120_000 };
const channel = "market:trades" as const;

let cluster: RunningRedisCluster;
let gateway: GatewayProcess;
let publisher: Publisher;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  cluster = await startRedisCluster();
  ends.push(() => cluster.stop());
  const issuer = await createIssuer();
  const environment = { RT_REDIS_URL: String(cluster.urls[0]), RT_REDIS_CLUSTER: "true" };
  gateway = await startGateway({ ...issuer.env, ...environment });
  ends.push(() => gateway.stop("SIGKILL"));
  const publishing = connectPublisher(parseEnvironment(redisEnvironment, environment), () => undefined);
  ends.push(() => publishing.disconnect());
  publisher = createPublisher(publishing);
});
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const probeOf = ({ port }: RunningRedis): Redis => {
  const probe = openProbe(port);
  ends.push(() => probe.disconnect());
  return probe;
};

/** Moves a slot with its keys, as a live resharding does. */
async function moveSlot(slot: number, from: RunningRedis, to: RunningRedis): Promise<void> {
  const [source, target] = [probeOf(from), probeOf(to)];
  const [sourceId, targetId] = await Promise.all([source, target].map((node) => node.call("CLUSTER", "MYID")));
  await target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", String(sourceId));
  await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", String(targetId));
  for (;;) {
    const keys = (await source.call("CLUSTER", "GETKEYSINSLOT", slot, 100)) as string[];
    if (keys.length === 0) break;
    await source.call("MIGRATE", "127.0.0.1", to.port, "", 0, 5_000, "KEYS", ...keys);
  }
  for (const node of [target, source]) await node.call("CLUSTER", "SETSLOT", slot, "NODE", String(targetId));
}

it("subscriptions follow a slot that moves to another primary and back: nothing is lost, and they are live again", {
  timeout: 600_000,
}, async () => {
  const client = await connectClient(gateway.url);
  ends.push(() => client.close());
  await client.ask("subscribe", { channel, marketId: "moving" });
  const ids: string[] = [];
  const publish = async (): Promise<void> => {
    const next = message(channel, "moving", ids.length + 1);
    const attempt = async (): Promise<boolean> => {
      const [outcome] = await publisher.publish([next]).catch(() => []);
      if (outcome?.status === "published") ids.push(outcome.id);
      return outcome !== undefined;
    };
    await expect.poll(attempt, LIMIT).toBe(true);
  };
  const live = (): Promise<number> => gateway.metric("rt_messages_total", `channel="${channel}"`, 'source="live"');
  await publish();
  await expect.poll(() => client.ids(channel), LIMIT).toEqual(ids);

  const slot = Number(
    await probeOf(cluster.nodes[0] as RunningRedis).call("CLUSTER", "KEYSLOT", streamKey({ channel, key: "moving" })),
  );
  const owner = Math.min(2, Math.floor(slot / Math.ceil(16_384 / 3)));
  for (const [from, to] of [
    [owner, (owner + 1) % 3],
    [(owner + 1) % 3, owner],
  ]) {
    const [source, target] = [cluster.nodes[from ?? 0], cluster.nodes[to ?? 0]];
    if (!source || !target) throw new Error("the cluster has too few nodes");
    await moveSlot(slot, source, target);
    await publish();
    await expect.poll(() => client.ids(channel), LIMIT).toEqual(ids);
    // Over Pub/Sub again, and not by the slow check alone.
    const before = await live();
    const isLive = async (): Promise<boolean> => {
      await publish();
      return (await live()) > before;
    };
    await expect.poll(isLive, { ...LIMIT, interval: 300 }).toBe(true);
    await expect.poll(() => client.ids(channel), LIMIT).toEqual(ids);
  }
});
