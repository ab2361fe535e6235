import { setTimeout as delay } from "node:timers/promises";
import { type DrillStream, named } from "./messages.ts";
import { clientNemeses } from "./nemeses-clients.ts";
import { edgeNemeses } from "./nemeses-edge.ts";
import { clockNemeses, redisNemeses } from "./nemeses-redis.ts";
import { type Fault, FEW, type Outage, timed } from "./outage.ts";
import type { RedisNode } from "./redis-node.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

const DARK_MS = 500;
const PAUSE_MS = 2_500;
const CUT_MS = 2_000;
const SLOW_MS = 2_500;
const SLOWED_BY_MS = 250;
const CLIENTS_CUT_MS = 800;
const AWAY_MS = 2_000;
const REDELIVERY_MS = 2_500;

/** Longer than any pause of the drill, so that a node that rests is not replaced. */
const PATIENT_NODE_TIMEOUT_MS = 15_000;

/** Time after a pause in which the other nodes may still lack a pong, before they are as strict as before, in ms. */
const AWAKE_MS = 700;

/** Acknowledged writes that the replica shall not have when it is promoted. */
const WRITES_TO_LOSE = 20;
const LOSE_TIMEOUT_MS = 60_000;

/** Public and private streams lie on different nodes; each has its turn. */
const publicStream = named({ channel: "market:trades", key: "market-1" });
const privateStream = named({ channel: "user:orders", key: "user-1" });

const namesOf = (streams: readonly DrillStream[]): ReadonlySet<string> => new Set(streams.map(({ name }) => name));

async function failOver(world: World, stream: DrillStream, before?: (primary: RedisNode) => Promise<void>) {
  const primary = await world.redis.primaryOf(stream);
  const streams = namesOf(await world.redis.streamsOn(primary, world.complete));
  await before?.(primary);
  const outage = await timed(async () => void (await world.redis.killPrimary(stream)));
  const afterwards = world.redis.replace(primary, stream);
  // Awaited at the end of the round; a failure before that must not end the process.
  afterwards.catch(() => undefined);
  return { ...outage, streams, afterwards };
}

async function writeUnreplicated({ redis, feed, complete }: World, primary: RedisNode): Promise<void> {
  const streams = await redis.streamsOn(primary, complete);
  await redis.isolateReplicas(primary);
  const count = (): number => streams.reduce((sum, stream) => sum + feed.acknowledgedOf(stream).size, 0);
  const start = count();
  await until("writes that only the primary has", LOSE_TIMEOUT_MS, () => count() >= start + WRITES_TO_LOSE);
}

/** Stops a primary for as long as `meanwhile` takes. */
async function freeze(world: World, primary: RedisNode, meanwhile: () => Promise<unknown>): Promise<Outage> {
  const streams = namesOf(await world.redis.streamsOn(primary, world.complete));
  const child = primary.server.process;
  const outage = await timed(async () => {
    child.kill("SIGSTOP");
    try {
      await meanwhile();
    } finally {
      child.kill("SIGCONT");
    }
  });
  return { ...outage, streams };
}

async function cutLink({ redis, complete, countSubscribers }: World): Promise<Outage> {
  const deaf = new Map<string, number>();
  for (const stream of complete) deaf.set(stream.name, await countSubscribers(stream));
  const outage = await timed(async () => {
    for (const link of redis.links) link.cut();
    await delay(CUT_MS);
    for (const link of redis.links) link.heal();
  });
  return { ...outage, streams: namesOf(complete), deaf };
}

async function slowLink({ redis, complete }: World): Promise<Outage> {
  const outage = await timed(async () => {
    for (const link of redis.links) link.slow(SLOWED_BY_MS);
    await delay(SLOW_MS);
    for (const link of redis.links) link.slow(0);
  });
  return { ...outage, streams: namesOf(complete) };
}

async function dropClients({ audience }: World): Promise<void> {
  const leaving = audience.members.filter((_, index) => index % 3 === 0);
  for (const { client } of leaving) client.leave();
  audience.link.cut();
  await delay(CLIENTS_CUT_MS);
  audience.link.heal();
  await delay(AWAY_MS - CLIENTS_CUT_MS);
  for (const { client } of leaving) client.comeBack();
}

/** Every fault of the drill, in the order in which they strike. */
export const faults = {
  none: { injectedShare: 0, strike: () => timed(() => delay(1_000)) },
  "pubsub-loss": { injectedShare: 1, strike: () => timed(() => delay(DARK_MS)) },
  "gateway-kill": {
    injectedShare: FEW,
    strike: ({ fleet }) =>
      timed(async () => {
        await fleet.end(0, "SIGKILL");
        await delay(DARK_MS);
        await fleet.restart(0);
      }),
  },
  "gateway-restart": {
    injectedShare: FEW,
    strike: ({ fleet }) =>
      timed(async () => {
        await fleet.end(1, "SIGTERM");
        await fleet.restart(1);
      }),
  },
  "gateway-freeze": { injectedShare: FEW, strike: ({ fleet }) => timed(() => fleet.freeze(2, PAUSE_MS)) },
  "clients-drop": { injectedShare: FEW, strike: (world) => timed(() => dropClients(world)) },
  redelivery: {
    injectedShare: FEW,
    strike: ({ feed }) =>
      timed(async () => {
        feed.isRedelivering = true;
        await delay(REDELIVERY_MS);
        feed.isRedelivering = false;
      }),
  },
  // The writes during the cut are a hole already; an injected one right after it would be filled together with it.
  "link-cut": { injectedShare: 0, strike: cutLink },
  "link-slow": { injectedShare: FEW, strike: slowLink },
  "redis-pause": {
    injectedShare: FEW,
    async strike(world) {
      await world.redis.setNodeTimeout(PATIENT_NODE_TIMEOUT_MS);
      const outage = await freeze(world, await world.redis.primaryOf(publicStream), () => delay(PAUSE_MS));
      await delay(AWAKE_MS);
      await world.redis.setNodeTimeout();
      return outage;
    },
  },
  "redis-failover": { injectedShare: FEW, strike: (world) => failOver(world, publicStream) },
  "redis-lost-writes": {
    injectedShare: FEW,
    strike: async (world) => ({
      ...(await failOver(world, privateStream, (primary) => writeUnreplicated(world, primary))),
      losesWrites: true,
    }),
  },
  "redis-frozen-failover": {
    injectedShare: FEW,
    async strike(world) {
      const primary = await world.redis.primaryOf(publicStream);
      const outage = await freeze(world, primary, () => world.redis.untilReplaced(publicStream, primary));
      return { ...outage, losesWrites: true };
    },
  },
  ...redisNemeses,
  ...edgeNemeses,
  ...clientNemeses,
  ...clockNemeses,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

export const faultNames = Object.keys(faults) as readonly FaultName[];
