import { type Cluster, Redis } from "ioredis";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { type RunningRedis, startRedis } from "../../local/redis.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";

/** A Redis, or a Redis Cluster, and the one connection by which all is published to it. */
export interface Target {
  readonly name: string;
  readonly isCluster: boolean;
  /** As a Lambda has it. */
  readonly connection: Redis | Cluster;
  readonly publisher: Publisher;
  /** Environment variables that a Lambda needs to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  /** A connection to every node, for looking and meddling. */
  readonly nodes: readonly Redis[];
  stop(): Promise<void>;
}

interface Servers {
  readonly nodes: readonly RunningRedis[];
  stop(): Promise<void>;
}

function connect(name: string, { nodes, stop }: Servers, isCluster: boolean): Target {
  const environment = { RT_REDIS_URL: nodes[0]?.url ?? "", RT_REDIS_CLUSTER: String(isCluster) };
  const connection = connectPublisher(parseEnvironment(redisEnvironment, environment), (error) => console.error(error));
  const administration = nodes.map(({ port }) => new Redis(port, "127.0.0.1"));
  return {
    ...{ name, isCluster, connection, environment },
    publisher: createPublisher(connection),
    nodes: administration,
    async stop() {
      for (const each of [connection, ...administration]) each.disconnect();
      await stop();
    },
  };
}

/** The Redis that everything is compared with. */
export async function startSingle(): Promise<Target> {
  const server = await startRedis();
  return connect("one Redis", { nodes: [server], stop: () => server.stop() }, false);
}

/** A cluster with that many primaries and no replica. */
export async function startCluster(shards: number): Promise<Target> {
  const name = `cluster, ${shards} ${shards === 1 ? "shard" : "shards"}`;
  // A node that has met no other does not know its own address, and clients could not reach it.
  const configuration = ["--cluster-announce-ip", "127.0.0.1"];
  return connect(name, await startRedisCluster({ masters: shards, configuration }), true);
}

/** CPU time that each node has used since its start, in µs, by its own word. */
export async function cpuMicros({ nodes }: Target): Promise<readonly number[]> {
  const infos = await Promise.all(nodes.map((node) => node.info("cpu")));
  return infos.map((info) => {
    const read = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1] ?? 0);
    return (read("used_cpu_user") + read("used_cpu_sys")) * 1e6;
  });
}
