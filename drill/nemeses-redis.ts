import { setTimeout as delay } from "node:timers/promises";
import { named } from "./messages.ts";
import { type Fault, FEW, NOTHING, type Outage, timed } from "./outage.ts";
import { ask, NODE_TIMEOUT_MS, type RedisNode, TOPOLOGY_TIMEOUT_MS, untilInStep } from "./redis-node.ts";
import type { RedisSide } from "./redis-side.ts";
import { moveSlot } from "./slots.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

/** Their slots move: a busy public one, which carries the streams of all markets, and private ones. */
const moving = [
  named({ channel: "market:trades", key: "market-1" }),
  named({ channel: "user:orders", key: "user-1" }),
  named({ channel: "user:notifications", key: "user-2" }),
];

const publicStream = named({ channel: "market:trades", key: "market-1" });
const privateStream = named({ channel: "user:orders", key: "user-1" });

const AWAY_MS = 800;
const SILENT_MS = 2_000;
const WRONG_CLOCK_MS = 3_000;
const JUMP_SECONDS = 60;
const BEHIND_SECONDS = 20;
const WRITES_TO_LOSE = 20;

/** Longer than a clock may jump: a node's own clock is what tells it that others are silent. */
const UNMOVED_NODE_TIMEOUT_MS = 600_000;

async function migrateSlots({ redis }: World): Promise<Outage> {
  let keys = 0;
  const outage = await timed(async () => {
    for (const stream of moving) {
      const slot = await redis.slotOf(stream);
      const from = await redis.primaryOf(stream);
      const to = await redis.otherPrimary(from);
      keys += await moveSlot(redis, slot, { from, to });
      await delay(AWAY_MS);
      keys += await moveSlot(redis, slot, { from: to, to: from });
    }
  });
  return { ...outage, did: { "slots moved": moving.length * 2, "keys moved": keys } };
}

/** Lets the replica take over in agreement with its primary, and the primary again after that. */
async function handOver({ redis }: World): Promise<Outage> {
  const outage = await timed(async () => {
    for (let turn = 0; turn < 2; turn += 1) {
      const primary = await redis.primaryOf(publicStream);
      const replica = await redis.replicaOf(primary);
      await untilInStep(replica);
      await ask(replica, (connection) => connection.call("CLUSTER", "FAILOVER"));
      await redis.untilReplaced(publicStream, primary);
      await delay(AWAY_MS);
    }
  });
  return { ...outage, did: { failovers: 2 } };
}

async function silenceLinks({ redis }: World): Promise<Outage> {
  let connections = 0;
  const outage = await timed(async () => {
    for (const link of redis.links) connections += link.silence();
    await delay(SILENT_MS);
  });
  const cleanUp = (): void => {
    for (const link of redis.links) link.clear();
  };
  return { ...outage, did: { "connections silent": connections }, cleanUp };
}

function clocksOf(redis: RedisSide) {
  if (!redis.clocks) throw new Error("the Redis nodes of this drill have no clocks of their own");
  return redis.clocks;
}

/** Makes the second judge's clients subscribe again: they name ids that a wrong clock has made. */
function reconnectAll({ second }: World): void {
  for (const link of [second.gatewayLink, second.edgeLink]) {
    link.cut();
    link.heal();
  }
}

async function jumpClocks(world: World): Promise<Outage> {
  const { redis } = world;
  const clocks = clocksOf(redis);
  const setAll = (seconds: number): void => {
    for (const { server } of redis.alive) clocks.set(server.port, seconds);
  };
  await redis.setNodeTimeout(UNMOVED_NODE_TIMEOUT_MS);
  const outage = await timed(async () => {
    setAll(JUMP_SECONDS);
    await delay(WRONG_CLOCK_MS);
    setAll(0);
    reconnectAll(world);
  });
  await delay(AWAY_MS);
  await redis.setNodeTimeout();
  return { ...outage, hasWrongClock: true, did: { "clocks put forward and back": redis.alive.length } };
}

async function writeUnreplicated({ redis, feed, complete }: World, primary: RedisNode): Promise<void> {
  const streams = await redis.streamsOn(primary, complete);
  await redis.isolateReplicas(primary);
  const count = (): number => streams.reduce((sum, stream) => sum + feed.acknowledgedOf(stream).size, 0);
  const start = count();
  await until("writes that only the primary has", TOPOLOGY_TIMEOUT_MS, () => count() >= start + WRITES_TO_LOSE);
}

/** A replica whose clock is late loses some writes and becomes the primary: its ids are below those that clients have. */
async function promoteLateClock(world: World): Promise<Outage> {
  const { redis } = world;
  const clocks = clocksOf(redis);
  const primary = await redis.primaryOf(privateStream);
  const replica = await redis.replicaOf(primary);
  const streams = new Set((await redis.streamsOn(primary, world.complete)).map(({ name }) => name));
  clocks.set(replica.server.port, -BEHIND_SECONDS);
  await delay(NODE_TIMEOUT_MS);
  await writeUnreplicated(world, primary);
  const outage = await timed(async () => {
    await redis.killPrimary(privateStream);
    await delay(WRONG_CLOCK_MS);
  });
  await redis.setNodeTimeout(UNMOVED_NODE_TIMEOUT_MS);
  clocks.set(replica.server.port, 0);
  await delay(AWAY_MS);
  await redis.setNodeTimeout();
  const afterwards = redis.replace(primary, privateStream);
  // Awaited at the end of the round; a failure before that must not end the process.
  afterwards.catch(() => undefined);
  const did = { "seconds late": BEHIND_SECONDS, "writes that the replica had not": WRITES_TO_LOSE };
  return { ...NOTHING, ...outage, streams, afterwards, did, losesWrites: true, hasWrongClock: true };
}

/** Further faults of a Redis Cluster: resharding, planned failovers, links that go silent, clocks that are wrong. */
export const redisNemeses = {
  "slot-migration": { injectedShare: FEW, strike: migrateSlots },
  "redis-handover": { injectedShare: FEW, strike: handOver },
  "silent-redis": { injectedShare: 0, strike: silenceLinks },
} as const satisfies Record<string, Fault>;

/** Last of all: streams whose ids a wrong clock has put ahead keep those ids for a while. */
export const clockNemeses = {
  "clock-behind": { injectedShare: 0, needsClocks: true, strike: promoteLateClock },
  "clock-jump": { injectedShare: 0, needsClocks: true, strike: jumpClocks },
} as const satisfies Record<string, Fault>;
