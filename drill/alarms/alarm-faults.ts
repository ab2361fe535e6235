import { setTimeout as delay } from "node:timers/promises";
import { floodConnections, hideIssuer, stallConsumers } from "./faults-of-clients.ts";
import { breakHandler, freezeMarket, throttlePosts } from "./faults-of-events.ts";
import type { Scene } from "./scene.ts";

/** A fault, and what CloudWatch must make of it. */
export interface AlarmFault {
  readonly name: string;
  readonly description: string;
  /** The section of the runbook of the alarm that must fire; undefined where none may. */
  readonly expected: string | undefined;
  /** Minutes after the fault's begin within which it must. */
  readonly withinMinutes: number;
  /** Alarms that may fire as well, because what they watch is really so. */
  readonly consequences?: readonly string[];
  /** Minutes for which the record goes on after the begin. */
  readonly minutes: number;
  /** Real time that it lasts at least, in ms, where something waits that is not scaled. */
  readonly minimumMs?: number;
  /** Begins the fault. Resolves with what ends it. */
  readonly begin: (scene: Scene) => Promise<() => Promise<void>>;
}

const nothing = async (): Promise<void> => undefined;

/** Stops and continues a process so that it stands still most of the time, as on a host that gives it too little CPU. */
async function starve(scene: Scene, pauseMs: number): Promise<() => Promise<void>> {
  const child = scene.gateways[0]?.process;
  let isOver = false;
  const loop = async (): Promise<void> => {
    while (!isOver) {
      child?.kill("SIGSTOP");
      await delay(pauseMs);
      child?.kill("SIGCONT");
      await delay(100);
    }
  };
  const running = loop();
  return async () => {
    isOver = true;
    await running;
  };
}

/** Fills Redis with data of somebody else, up to its limit: then no publisher can write any more. */
async function fillRedis({ redis, minuteMs, watcher }: Scene): Promise<() => Promise<void>> {
  const { openProbe } = await import("../../local/redis.ts");
  const connection = openProbe(redis.port);
  const used = Number(/^used_memory:(\d+)/m.exec(await connection.info("memory"))?.[1]);
  await connection.config("SET", "maxmemory", String(used + 20_000_000));
  await connection.config("SET", "maxmemory-policy", "noeviction");
  const step = "x".repeat(500_000);
  for (let number = 0; watcher.seen.notPublished === 0; number += 1) {
    await connection.set(`filler:${number}`, step).catch(() => delay(minuteMs / 4));
  }
  return async () => connection.disconnect();
}

/** Replaces both gateways, one after the other, as a deploy does: the new one first, then the old one drains. */
async function deploy(scene: Scene): Promise<() => Promise<void>> {
  const { gateways, checks, watcher, minuteMs } = scene;
  for (const old of [...gateways]) {
    const healthy = checks.count("healthy");
    const fresh = await scene.addGateway();
    while (checks.count("healthy") <= healthy) await delay(minuteMs / 10);
    watcher.connect(fresh.url);
    checks.deregister(old.url);
    await old.stop("SIGTERM");
  }
  return nothing;
}

async function killAll({ gateways }: Scene): Promise<() => Promise<void>> {
  for (const gateway of gateways) await gateway.stop("SIGKILL");
  return nothing;
}

async function killAndRestart(scene: Scene): Promise<() => Promise<void>> {
  await scene.gateways[0]?.stop("SIGKILL");
  await scene.addGateway();
  return nothing;
}

/** Stops a process for so long. */
async function pause(
  child: Scene["redis"]["process"] | undefined,
  milliseconds?: number,
): Promise<() => Promise<void>> {
  child?.kill("SIGSTOP");
  const end = async (): Promise<void> => void child?.kill("SIGCONT");
  if (milliseconds === undefined) return end;
  await delay(milliseconds);
  await end();
  return nothing;
}

/** Longest that a gateway takes to notice that Redis does not answer, in ms. */
const NOTICE_MS = 8_000;

/** Time that the load balancer waits for the answer to a check, in ms. */
const CHECK_MS = 6_000;

/** Time after which a stream that gets nothing but stale values counts as frozen, in ms. */
const FROZEN_MS = 36_000;

/** Every fault of `npm run drill:alarms`. */
export const alarmFaults: readonly AlarmFault[] = [
  {
    ...{ name: "quiet", description: "nothing, for an hour of CloudWatch's minutes" },
    ...{ expected: undefined, withinMinutes: 0, minutes: 60, begin: async () => nothing },
  },
  {
    ...{ name: "deploy", description: "both gateways are replaced, one after the other" },
    ...{ expected: undefined, withinMinutes: 0, minutes: 10, begin: deploy },
  },
  {
    ...{ name: "gateway-kill", description: "a gateway gets SIGKILL; another one starts (of the drill)" },
    ...{ expected: undefined, withinMinutes: 0, minutes: 8, begin: killAndRestart },
  },
  {
    ...{ name: "redis-pause", description: "Redis stands still for 2.5 s (of the drill)" },
    ...{ expected: undefined, withinMinutes: 0, minutes: 8, begin: ({ redis }) => pause(redis.process, 2_500) },
  },
  {
    ...{ name: "redis-frozen", description: "Redis stands still; its connections stay open" },
    ...{ expected: "redis-unreachable", withinMinutes: 3, minutes: 6, minimumMs: NOTICE_MS },
    begin: ({ redis }) => pause(redis.process),
  },
  {
    ...{ name: "redis-full", description: "Redis reaches maxmemory, with noeviction" },
    ...{ expected: "redis-memory", withinMinutes: 3, minutes: 6, begin: fillRedis },
  },
  {
    ...{ name: "gateway-wedged", description: "one gateway of two stands still (SIGSTOP)" },
    ...{ expected: "unhealthy-task", withinMinutes: 3, minutes: 5, minimumMs: 3 * CHECK_MS },
    begin: ({ gateways }) => pause(gateways[0]?.process),
  },
  {
    ...{ name: "event-loop-blocked", description: "a gateway stands still 0.8 s at a time" },
    ...{ expected: "event-loop", withinMinutes: 5, minutes: 8, begin: (scene) => starve(scene, 800) },
  },
  {
    ...{ name: "gateway-overloaded", description: "a gateway stands still 2.5 s at a time" },
    ...{ expected: "late-messages", withinMinutes: 6, minutes: 10, consequences: ["event-loop"] },
    begin: (scene) => starve(scene, 2_500),
  },
  {
    ...{ name: "gateway-without-redis", description: "a new gateway cannot reach Redis" },
    ...{ expected: "redis-unreachable", withinMinutes: 3, minutes: 6, consequences: ["unhealthy-task"] },
    begin: async (scene) => {
      await scene.addGateway({ RT_REDIS_URL: "redis://127.0.0.1:1" });
      scene.markBegin();
      return nothing;
    },
  },
  {
    ...{ name: "gateways-gone", description: "all gateways end, and none starts" },
    ...{ expected: "no-healthy-task", withinMinutes: 4, minutes: 7, consequences: ["no-metrics"], begin: killAll },
  },
  {
    ...{ name: "bad-events", description: "a source sends an order without its user" },
    ...{ expected: "events-failed", withinMinutes: 2, minutes: 4, begin: breakHandler },
  },
  {
    ...{ name: "frozen-market", description: "a market gets only prices that are older than the last one" },
    ...{ expected: "frozen-streams", withinMinutes: 2, minutes: 4, minimumMs: FROZEN_MS, begin: freezeMarket },
  },
  {
    ...{ name: "slow-consumers", description: "25 clients do not read what they are sent" },
    ...{ expected: "slow-consumers", withinMinutes: 6, minutes: 12, begin: stallConsumers },
  },
  {
    ...{ name: "issuer-unreachable", description: "the issuer's keys cannot be fetched" },
    ...{ expected: "issuer-unreachable", withinMinutes: 4, minutes: 7, begin: hideIssuer },
  },
  {
    ...{ name: "connection-flood", description: "25 clients for a gateway with 5 places" },
    ...{ expected: "gateway-full", withinMinutes: 4, minutes: 7, begin: floodConnections },
  },
  {
    ...{ name: "throttled-posts", description: "API Gateway answers 429 to the managed edge's posts" },
    ...{ expected: "fan-out-behind", withinMinutes: 4, minutes: 8, begin: throttlePosts },
  },
];
