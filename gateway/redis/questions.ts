import { Cluster, type Redis } from "ioredis";
import type { RedisClock, RedisTime } from "./redis-clock.ts";

/** Something that Redis must answer over one connection. */
export interface Question {
  /** Which connection, to which server. */
  readonly name: string;
  readonly ask: () => Promise<unknown>;
}

const keyOf = ({ options }: Redis): string => `${options.host}:${options.port}`;

/** The primaries that serve slots, as `host:port`. */
export const primariesOf = (cluster: Cluster): Set<string> =>
  new Set(cluster.slots.flatMap(([primary]) => (primary === undefined ? [] : [primary])));

async function askTime(redis: Redis, name: string, clock: RedisClock): Promise<void> {
  clock.sample(name, (await redis.time()) as unknown as RedisTime);
}

/** A kept connection does not show by itself that its server has been made a replica, or is one shard of several. */
async function askRole(redis: Redis): Promise<void> {
  const info = await redis.info("replication", "server");
  if (/^role:(?:slave|replica)/m.test(info)) throw new Error("IS_A_REPLICA the server is a replica");
  if (!/^redis_mode:cluster/m.test(info)) return;
  const size = /^cluster_size:(\d+)/m.exec(String(await redis.call("CLUSTER", "INFO")))?.[1];
  if (Number(size) > 1) throw new Error(`IS_A_CLUSTER the server is one of ${size} shards`);
}

function ofCluster(cluster: Cluster, clock: RedisClock): Question[] {
  const primaries = primariesOf(cluster);
  const nodes = new Map(cluster.nodes("master").map((node) => [keyOf(node), node]));
  clock.retain(primaries);
  const ofPrimaries = [...primaries].map((primary): Question => {
    const node = nodes.get(primary);
    const ask = node
      ? () => askTime(node, primary, clock)
      : () => Promise.reject(new Error(`CLUSTERDOWN no connection to ${primary}`));
    return { name: `reader ${primary}`, ask };
  });
  // By the cluster's own way as well: its client may refuse commands though the primaries answer.
  return [{ name: "reader", ask: () => cluster.time() }, ...ofPrimaries];
}

/** What the connection for reads is asked: the time of every primary, and whether it is one. */
export function readerQuestions(reader: Redis | Cluster, clock: RedisClock): Question[] {
  if (reader instanceof Cluster) return ofCluster(reader, clock);
  return [{ name: "reader", ask: () => Promise.all([askTime(reader, "reader", clock), askRole(reader)]) }];
}
