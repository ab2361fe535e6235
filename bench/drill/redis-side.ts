import { once } from "node:events";
import { Cluster, type Redis } from "ioredis";
import * as z from "zod";
import { reconnectDelay } from "../../contract/server/redis.ts";
import { streamKey } from "../../contract/server/redis-keys.ts";
import type { Stream } from "../../contract/stream.ts";
import { openProbe, type RunningRedis, startRedis } from "../../local/redis.ts";
import { type RunningRedisCluster, startRedisCluster } from "../../local/redis-cluster.ts";
import { type LinkProxy, openLinkProxy } from "./link-proxy.ts";
import { until } from "./until.ts";

const MASTERS = 3;
const NODES = 6;
const NODE_TIMEOUT_MS = 1_500;
const TOPOLOGY_TIMEOUT_MS = 20_000;

/** May do everything but publish: what it writes is in the stream, and no gateway hears of it. */
export const MUTE_USER = "mute";

/** One Redis process, and the proxy whose port it gives as its own. */
export interface RedisNode {
  server: RunningRedis;
  readonly proxy: LinkProxy;
}

const nodeAnswer = z.tuple([z.string(), z.number()]).rest(z.unknown());
/** First slot, last slot, primary, replicas. */
const slotsAnswer = z.array(z.tuple([z.number(), z.number(), nodeAnswer]).rest(z.unknown()));

const configurationOf = (port: number, proxy: LinkProxy): string[] => [
  ...["--cluster-announce-port", String(proxy.port)],
  ...["--cluster-announce-bus-port", String(port + 10_000)],
  ...["--repl-diskless-sync-delay", "0"],
];

const isAlive = ({ server: { process: child } }: RedisNode): boolean =>
  child.exitCode === null && child.signalCode === null;

async function ask<T>(node: RedisNode, question: (redis: Redis) => Promise<T>): Promise<T> {
  const probe = openProbe(node.server.port);
  try {
    return await question(probe);
  } finally {
    probe.disconnect();
  }
}

/**
 * A Redis Cluster with replicas, whose nodes announce the ports of proxies: gateways (and the replicas) come through
 * those, so that their link can be cut and slowed, while publishers and the drill itself go to the nodes directly.
 */
export class RedisSide {
  readonly #cluster: RunningRedisCluster;
  readonly #nodes: readonly RedisNode[];

  private constructor(cluster: RunningRedisCluster, nodes: readonly RedisNode[]) {
    this.#cluster = cluster;
    this.#nodes = nodes;
  }

  /** @throws Error where the cluster does not form; see `startRedisCluster`. */
  static async start(): Promise<RedisSide> {
    const proxies = await Promise.all(Array.from({ length: NODES }, openLinkProxy));
    const byPort = new Map<number, LinkProxy>();
    const cluster = await startRedisCluster({
      masters: MASTERS,
      replicasPerMaster: NODES / MASTERS - 1,
      configuration: (port) => {
        const proxy = proxies[byPort.size % NODES];
        if (!proxy) throw new Error(`no proxy for the Redis node on port ${port}`);
        byPort.set(port, proxy);
        proxy.setTarget(port);
        return configurationOf(port, proxy);
      },
    });
    const nodes = cluster.nodes.map((server) => {
      const proxy = byPort.get(server.port);
      if (!proxy) throw new Error(`no proxy for the Redis node on port ${server.port}`);
      return { server, proxy };
    });
    const side = new RedisSide(cluster, nodes);
    await Promise.all(nodes.map((node) => side.#addMuteUser(node)));
    return side;
  }

  /** For gateways: through a proxy. */
  get url(): string {
    return `redis://127.0.0.1:${this.#nodes[0]?.proxy.port}`;
  }

  get links(): readonly LinkProxy[] {
    return this.#nodes.map(({ proxy }) => proxy);
  }

  /** A direct connection that fails as fast as the publishers' own (`connectPublisher`). */
  connect(username?: string): Cluster {
    const natMap = Object.fromEntries(
      this.#nodes.map(({ server, proxy }) => [`127.0.0.1:${proxy.port}`, { host: "127.0.0.1", port: server.port }]),
    );
    const startup = this.#nodes.map(({ server }) => ({ host: "127.0.0.1", port: server.port }));
    const cluster = new Cluster(startup, {
      natMap,
      clusterRetryStrategy: reconnectDelay,
      slotsRefreshTimeout: 3_000,
      slotsRefreshInterval: 10_000,
      retryDelayOnFailover: 100,
      maxRedirections: 5,
      redisOptions: {
        username,
        password: username,
        connectTimeout: 2_000,
        commandTimeout: 1_500,
        maxRetriesPerRequest: 1,
      },
    });
    // The commands concerned fail on their own, and whoever sent them decides.
    cluster.on("error", () => undefined);
    return cluster;
  }

  /** The node that a stream's writes go to now, as the nodes that live see it. */
  async primaryOf(stream: Stream): Promise<RedisNode> {
    const [primary] = await this.#primariesOf([stream]);
    if (!primary) throw new Error(`no node of the drill holds ${streamKey(stream)}`);
    return primary;
  }

  /** Those of the streams whose writes go to a node. */
  async streamsOn<S extends Stream>(node: RedisNode, streams: readonly S[]): Promise<S[]> {
    const primaries = await this.#primariesOf(streams);
    return streams.filter((_, index) => primaries[index] === node);
  }

  /** Makes the replicas of a primary lose their connection to it for good; it goes on taking writes. */
  async isolateReplicas(primary: RedisNode): Promise<void> {
    await ask(primary, async (redis) => {
      await redis.call("ACL", "SETUSER", "default", "-psync", "-sync", "-replconf");
      await redis.call("CLIENT", "KILL", "TYPE", "replica");
    });
  }

  /** Kills the primary of a stream and resolves once another node has taken its place. */
  async killPrimary(stream: Stream): Promise<RedisNode> {
    const primary = await this.primaryOf(stream);
    const exited = once(primary.server.process, "exit");
    primary.server.process.kill("SIGKILL");
    await exited;
    await this.untilReplaced(stream, primary);
    return primary;
  }

  /** Resolves once the others see another node as the primary of a stream. */
  untilReplaced(stream: Stream, primary: RedisNode): Promise<void> {
    return until("the promotion of a replica", TOPOLOGY_TIMEOUT_MS, async () => {
      const [now] = await this.#primariesOf([stream], primary);
      return now !== undefined && now !== primary;
    });
  }

  /** Puts a new, empty server in the place of a killed one and resolves once it is a replica in step. */
  async replace(node: RedisNode, stream: Stream): Promise<void> {
    const primary = await this.primaryOf(stream);
    await node.server.stop();
    const { port } = node.server;
    const cluster = ["--cluster-enabled", "yes", "--cluster-node-timeout", String(NODE_TIMEOUT_MS)];
    node.server = await startRedis({ port, configuration: [...cluster, ...configurationOf(port, node.proxy)] });
    await this.#addMuteUser(node);
    await this.#forgetFailed(node);
    const id = String(await ask(primary, (redis) => redis.call("CLUSTER", "MYID")));
    const others = this.#nodes.filter((other) => other !== node && isAlive(other));
    await ask(node, async (redis) => {
      for (const { server } of others) await redis.call("CLUSTER", "MEET", "127.0.0.1", server.port);
      await until("the new node's acquaintance with its primary", TOPOLOGY_TIMEOUT_MS, async () =>
        String(await redis.call("CLUSTER", "NODES")).includes(id),
      );
      await redis.call("CLUSTER", "REPLICATE", id);
      await until("the new replica in step", TOPOLOGY_TIMEOUT_MS, async () => {
        const role = await redis.call("ROLE");
        return Array.isArray(role) && role[0] === "slave" && role[3] === "connected";
      });
    });
    await this.#untilKnown(node, others);
  }

  /** How long a node may be silent before the others replace it, in ms; without an argument as at the start. */
  async setNodeTimeout(milliseconds: number = NODE_TIMEOUT_MS): Promise<void> {
    const nodes = this.#nodes.filter(isAlive);
    await Promise.all(
      nodes.map((node) => ask(node, (redis) => redis.call("CONFIG", "SET", "cluster-node-timeout", milliseconds))),
    );
  }

  /** Ends every node and proxy. */
  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map(({ server }) => server.stop()));
    await this.#cluster.stop();
    await Promise.all(this.#nodes.map(({ proxy }) => proxy.close()));
  }

  /** @param suspect is not asked. */
  async #primariesOf(streams: readonly Stream[], suspect?: RedisNode): Promise<(RedisNode | undefined)[]> {
    const witness = this.#nodes.find((node) => node !== suspect && isAlive(node));
    if (!witness) throw new Error("no Redis node is alive");
    return ask(witness, async (redis) => {
      const ranges = slotsAnswer.parse(await redis.call("CLUSTER", "SLOTS"));
      const slots = await Promise.all(streams.map((stream) => redis.call("CLUSTER", "KEYSLOT", streamKey(stream))));
      return slots.map(Number).map((slot) => {
        const port = ranges.find(([start, end]) => start <= slot && slot <= end)?.[2][1];
        return this.#nodes.find(({ proxy }) => proxy.port === port);
      });
    });
  }

  async #addMuteUser(node: RedisNode): Promise<void> {
    const rights = ["on", `>${MUTE_USER}`, "~*", "&*", "+@all", "-spublish"];
    await ask(node, (redis) => redis.call("ACL", "SETUSER", MUTE_USER, ...rights));
  }

  /** A replica that the other primaries do not know gets no votes. */
  async #untilKnown(node: RedisNode, others: readonly RedisNode[]): Promise<void> {
    const id = String(await ask(node, (redis) => redis.call("CLUSTER", "MYID")));
    await until("everybody's acquaintance with the new replica", TOPOLOGY_TIMEOUT_MS, async () => {
      const known = await Promise.all(others.map((other) => ask(other, (redis) => redis.call("CLUSTER", "NODES"))));
      return known.every((text) =>
        String(text)
          .split("\n")
          .some((line) => line.startsWith(id) && line.includes("slave")),
      );
    });
  }

  /** Everybody forgets the dead: a new server has a new id. */
  async #forgetFailed(fresh: RedisNode): Promise<void> {
    for (const node of this.#nodes.filter((other) => other !== fresh && isAlive(other))) {
      await ask(node, async (redis) => {
        const lines = String(await redis.call("CLUSTER", "NODES")).split("\n");
        const failed = lines.filter((line) => /[ ,]fail[ ,]/.test(line)).map((line) => line.split(" ")[0] ?? "");
        for (const id of failed) await redis.call("CLUSTER", "FORGET", id).catch(() => undefined);
      });
    }
  }
}
