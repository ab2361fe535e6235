import { once } from "node:events";
import { Cluster } from "ioredis";
import * as z from "zod";
import type { Stream } from "../contract/stream.ts";
import { reconnectDelay } from "../kernel/redis/redis.ts";
import { streamKey } from "../kernel/streams/redis-keys.ts";
import { type RunningRedisCluster, startRedisCluster } from "../local/redis-cluster.ts";
import { type Clocks, createClocks } from "./clocks.ts";
import { type LinkProxy, openLinkProxy } from "./link-proxy.ts";
import {
  addMuteUser,
  ask,
  configurationOf,
  idOf,
  isAlive,
  NODE_TIMEOUT_MS,
  type RedisNode,
  replaceNode,
  TOPOLOGY_TIMEOUT_MS,
} from "./redis-node.ts";
import { until } from "./until.ts";

const MASTERS = 3;
const NODES = 6;

const nodeAnswer = z.tuple([z.string(), z.number()]).rest(z.unknown());
/** First slot, last slot, primary, replicas. */
const slotsAnswer = z.array(z.tuple([z.number(), z.number(), nodeAnswer]).rest(z.unknown()));

interface ConnectOptions {
  /** Also the password. */
  readonly username?: string;
  readonly commandTimeoutMs?: number;
}

/**
 * A Redis Cluster with replicas, whose nodes announce the ports of proxies: gateways (and the replicas) come through
 * those, so that their link can be cut and slowed, while publishers and the drill itself go to the nodes directly.
 */
export class RedisSide {
  readonly #cluster: RunningRedisCluster;
  readonly #nodes: readonly RedisNode[];

  /** The nodes' clocks, where they can be put forward and back. */
  readonly clocks: Clocks | undefined;

  private constructor(cluster: RunningRedisCluster, nodes: readonly RedisNode[], clocks: Clocks | undefined) {
    this.#cluster = cluster;
    this.#nodes = nodes;
    this.clocks = clocks;
  }

  /**
   * @param hasClocks whether the nodes' clocks can be put forward and back, which needs libfaketime.
   * @throws Error where the cluster does not form (see `startRedisCluster`), or without libfaketime.
   */
  static async start(hasClocks: boolean): Promise<RedisSide> {
    const clocks = hasClocks ? await createClocks() : undefined;
    const proxies = await Promise.all(Array.from({ length: NODES }, openLinkProxy));
    const byPort = new Map<number, LinkProxy>();
    const cluster = await startRedisCluster({
      masters: MASTERS,
      replicasPerMaster: NODES / MASTERS - 1,
      environment: (port) => clocks?.environmentOf(port) ?? {},
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
    await Promise.all(nodes.map(addMuteUser));
    return new RedisSide(cluster, nodes, clocks);
  }

  /** For gateways: through a proxy. */
  get url(): string {
    return `redis://127.0.0.1:${this.#nodes[0]?.proxy.port}`;
  }

  get links(): readonly LinkProxy[] {
    return this.#nodes.map(({ proxy }) => proxy);
  }

  /** A direct connection that fails as fast as the publishers' own (`connectPublisher`), or is more patient. */
  connect({ username, commandTimeoutMs = 1_500 }: ConnectOptions = {}): Cluster {
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
        commandTimeout: commandTimeoutMs,
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
    const others = this.#nodes.filter((other) => other !== node && isAlive(other));
    await replaceNode(node, { primary, others, environment: this.clocks?.environmentOf(node.server.port) ?? {} });
  }

  /** The replica of a primary. */
  async replicaOf(primary: RedisNode): Promise<RedisNode> {
    const id = await idOf(primary);
    const lines = String(await ask(primary, (redis) => redis.call("CLUSTER", "NODES"))).split("\n");
    const replica = this.#nodes.find((node) => {
      const line = lines.find((each) => each.includes(`:${node.proxy.port}@`));
      return isAlive(node) && line?.includes("slave") && line.includes(id);
    });
    if (!replica) throw new Error(`no replica of the Redis node on port ${primary.server.port}`);
    return replica;
  }

  /** The nodes that live. */
  get alive(): readonly RedisNode[] {
    return this.#nodes.filter(isAlive);
  }

  /** Another primary than this one. */
  async otherPrimary(primary: RedisNode): Promise<RedisNode> {
    const roles = await Promise.all(this.alive.map((node) => ask(node, (redis) => redis.call("ROLE"))));
    const other = this.alive.find((node, index) => {
      const role = roles[index];
      return node !== primary && Array.isArray(role) && role[0] === "master";
    });
    if (!other) throw new Error("the Redis Cluster has only one primary");
    return other;
  }

  /** The slot of a stream, which it shares with its Pub/Sub channels and its memory of events. */
  async slotOf(stream: Stream): Promise<number> {
    const [node] = this.alive;
    if (!node) throw new Error("no Redis node is alive");
    return Number(await ask(node, (redis) => redis.call("CLUSTER", "KEYSLOT", streamKey(stream))));
  }

  /** Sets how long a node may be silent before the others replace it, in ms; by default as long as at the start. */
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
    await this.clocks?.close();
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
}
