import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { openProbe, type RunningRedis, startRedis } from "./redis.ts";

const SLOTS = 16_384;

/** Below 22768, so that the cluster bus (port + 10000) stays out of the range that the system hands out. */
const FIRST_PORT = 12_000;
const LAST_PORT = 22_000;

const ATTEMPTS = 5;
const FORM_TIMEOUT_MS = 20_000;

/** A Redis Cluster that this process started. */
export interface RunningRedisCluster {
  /** Of all nodes; any will do to connect to. */
  readonly urls: readonly string[];
  /** The primaries, then the replicas. */
  readonly nodes: readonly RunningRedis[];
  /** Ends every node. May be called again. */
  stop(): Promise<void>;
}

export interface RedisClusterOptions {
  /** Default 3, which is also the least that can vote for a failover. */
  readonly masters?: number;
  /** Default 0. */
  readonly replicasPerMaster?: number;
  /** More command line options of every node; a function gets the node's port. */
  readonly configuration?: readonly string[] | ((port: number) => readonly string[]);
  /** Added to the environment of the node on a port. */
  readonly environment?: (port: number) => Readonly<Record<string, string>>;
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + FORM_TIMEOUT_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Redis Cluster: ${what} not within ${FORM_TIMEOUT_MS} ms`);
    await delay(50);
  }
}

/** Gives slots to the primaries and makes every node known to the first one. */
async function meet(nodes: readonly Redis[], ports: readonly number[], masters: number): Promise<void> {
  for (const [index, node] of nodes.slice(0, masters).entries()) {
    const start = Math.floor((index * SLOTS) / masters);
    const end = Math.floor(((index + 1) * SLOTS) / masters) - 1;
    await node.call("CLUSTER", "ADDSLOTSRANGE", start, end);
    await node.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
  }
  const [first] = nodes;
  for (const port of ports.slice(1)) await first?.call("CLUSTER", "MEET", "127.0.0.1", port);
  await until("every node knows every other", async () => {
    const known = await Promise.all(nodes.map((node) => node.call("CLUSTER", "NODES")));
    return known.every(
      (text) =>
        String(text)
          .trim()
          .split("\n")
          .filter((l) => !/handshake|noaddr/.test(l)).length === nodes.length,
    );
  });
}

/** Makes the nodes after the primaries replicas of them, in turn. */
async function replicate(nodes: readonly Redis[], masters: number): Promise<void> {
  const ids = await Promise.all(nodes.slice(0, masters).map((node) => node.call("CLUSTER", "MYID")));
  for (const [index, node] of nodes.slice(masters).entries()) {
    await node.call("CLUSTER", "REPLICATE", String(ids[index % masters]));
  }
  await until("every replica in step", async () => {
    const roles = await Promise.all(nodes.slice(masters).map((node) => node.call("ROLE")));
    return roles.every((role) => Array.isArray(role) && role[0] === "slave" && role[3] === "connected");
  });
}

async function form(ports: readonly number[], masters: number): Promise<void> {
  const nodes = ports.map(openProbe);
  try {
    await meet(nodes, ports, masters);
    await replicate(nodes, masters);
    await until("cluster_state:ok on every node", async () => {
      const infos = await Promise.all(nodes.map((node) => node.call("CLUSTER", "INFO")));
      return infos.every((info) => String(info).includes("cluster_state:ok"));
    });
  } finally {
    for (const node of nodes) node.disconnect();
  }
}

/**
 * Starts a Redis Cluster on 127.0.0.1 and resolves once every node says that it is whole and every replica is in step.
 * A range of ports that turns out to be taken is given up for another.
 *
 * @throws Error with the cause of the last attempt.
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RunningRedisCluster> {
  const { masters = 3, replicasPerMaster = 0, configuration = [], environment = () => ({}) } = options;
  const size = masters * (1 + replicasPerMaster);
  let lastError: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const base = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT - size));
    const ports = Array.from({ length: size }, (_, index) => base + index);
    const more = (port: number) => (typeof configuration === "function" ? configuration(port) : configuration);
    const starting = await Promise.allSettled(
      ports.map((port) =>
        startRedis({
          port,
          environment: environment(port),
          configuration: ["--cluster-enabled", "yes", "--cluster-node-timeout", "1500", ...more(port)],
        }),
      ),
    );
    const nodes = starting.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const stop = async (): Promise<void> => {
      await Promise.all(nodes.map((node) => node.stop()));
    };
    try {
      for (const result of starting) if (result.status === "rejected") throw result.reason;
      await form(ports, masters);
      return { urls: nodes.map(({ url }) => url), nodes, stop };
    } catch (error) {
      lastError = error;
      await stop();
    }
  }
  throw new Error(`no Redis Cluster after ${ATTEMPTS} attempts`, { cause: lastError });
}
