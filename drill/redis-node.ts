import type { Redis } from "ioredis";
import { openProbe, type RunningRedis, startRedis } from "../local/redis.ts";
import type { LinkProxy } from "./link-proxy.ts";
import { until } from "./until.ts";

/** Time that a node may be silent before the others replace it, in ms. */
export const NODE_TIMEOUT_MS = 1_500;

/** Longest that the cluster may take to agree on who has which slots, in ms. */
export const TOPOLOGY_TIMEOUT_MS = 240_000;

/** User that may do everything but publish: what it writes is in the stream, but no gateway receives it. */
export const MUTE_USER = "mute";

/** One Redis process, and the proxy whose port it gives as its own. */
export interface RedisNode {
  server: RunningRedis;
  readonly proxy: LinkProxy;
}

/** Makes a node announce the port of its proxy. */
export const configurationOf = (port: number, proxy: LinkProxy): string[] => [
  ...["--cluster-announce-port", String(proxy.port)],
  ...["--cluster-announce-bus-port", String(port + 10_000)],
  ...["--repl-diskless-sync-delay", "0"],
];

export const isAlive = ({ server: { process: child } }: RedisNode): boolean =>
  child.exitCode === null && child.signalCode === null;

/** Asks a node directly, over a connection for this question alone. */
export async function ask<T>(node: RedisNode, question: (redis: Redis) => Promise<T>): Promise<T> {
  const probe = openProbe(node.server.port);
  try {
    return await question(probe);
  } finally {
    probe.disconnect();
  }
}

export const idOf = async (node: RedisNode): Promise<string> =>
  String(await ask(node, (redis) => redis.call("CLUSTER", "MYID")));

export async function addMuteUser(node: RedisNode): Promise<void> {
  const rights = ["on", `>${MUTE_USER}`, "~*", "&*", "+@all", "-spublish"];
  await ask(node, (redis) => redis.call("ACL", "SETUSER", MUTE_USER, ...rights));
}

/** Everybody forgets the dead: a new server has a new id. */
async function forgetFailed(others: readonly RedisNode[]): Promise<void> {
  for (const node of others) {
    await ask(node, async (redis) => {
      const lines = String(await redis.call("CLUSTER", "NODES")).split("\n");
      const failed = lines.filter((line) => /[ ,]fail[ ,]/.test(line)).map((line) => line.split(" ")[0] ?? "");
      for (const id of failed) await redis.call("CLUSTER", "FORGET", id).catch(() => undefined);
    });
  }
}

/** A replica that the other primaries do not know gets no votes. */
async function untilKnown(node: RedisNode, others: readonly RedisNode[]): Promise<void> {
  const id = await idOf(node);
  await until("everybody's acquaintance with the new replica", TOPOLOGY_TIMEOUT_MS, async () => {
    const known = await Promise.all(others.map((other) => ask(other, (redis) => redis.call("CLUSTER", "NODES"))));
    return known.every((text) =>
      String(text)
        .split("\n")
        .some((line) => line.startsWith(id) && line.includes("slave")),
    );
  });
}

/** Resolves once a node is a replica in step. */
export const untilInStep = (node: RedisNode): Promise<void> =>
  until("the replica in step", TOPOLOGY_TIMEOUT_MS, async () => {
    const role = await ask(node, (redis) => redis.call("ROLE"));
    return Array.isArray(role) && role[0] === "slave" && role[3] === "connected";
  });

interface Replacement {
  readonly primary: RedisNode;
  /** Every node that is alive. */
  readonly others: readonly RedisNode[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Puts a new, empty server in the place of a dead node and resolves once it is a replica in step. */
export async function replaceNode(node: RedisNode, { primary, others, environment }: Replacement): Promise<void> {
  await node.server.stop();
  const { port } = node.server;
  const cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", String(NODE_TIMEOUT_MS)];
  const configuration = [...cluster, ...configurationOf(port, node.proxy)];
  node.server = await startRedis({ port, environment, configuration });
  await addMuteUser(node);
  await forgetFailed(others);
  const id = await idOf(primary);
  await ask(node, async (redis) => {
    for (const { server } of others) await redis.call("CLUSTER", "MEET", "127.0.0.1", server.port);
    await until("the new node's acquaintance with its primary", TOPOLOGY_TIMEOUT_MS, async () =>
      String(await redis.call("CLUSTER", "NODES")).includes(id),
    );
    await redis.call("CLUSTER", "REPLICATE", id);
  });
  await untilInStep(node);
  await untilKnown(node, others);
}
