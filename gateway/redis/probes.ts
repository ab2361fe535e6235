import { Cluster, type Redis } from "ioredis";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import type { RedisClock } from "./redis-clock.ts";

/** A command that Redis must answer over one connection, or a few in turn. */
export interface Probe {
  /** The connection, and the server that it leads to. */
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

const keyOf = ({ options }: Redis): string => `${options.host}:${options.port}`;

/** Returns the primaries that serve slots, as `host:port`. */
const primariesOf = (cluster: Cluster): Set<string> =>
  new Set(cluster.slots.flatMap(([primary]) => (primary === undefined ? [] : [primary])));

/** What the answers to `TIME` are for. */
export interface TimeListener {
  readonly clock: RedisClock;
  /** Called with the time until each answer, in ms. */
  readonly onRoundTrip?: ((milliseconds: number) => void) | undefined;
}

async function readTime(redis: Redis, name: string, { clock, onRoundTrip }: TimeListener): Promise<void> {
  const sent = performance.now();
  const time = await redis.time();
  const roundTripMs = performance.now() - sent;
  clock.sample(name, time, roundTripMs);
  onRoundTrip?.(roundTripMs);
}

/** Rejects where the server is a replica or one shard of several: a kept connection shows neither on its own. */
async function assertPrimary(redis: Redis): Promise<void> {
  const info = await redis.info("replication", "server");
  if (/^role:(?:slave|replica)/m.test(info)) throw new Error("IS_A_REPLICA the server is a replica");
  if (!/^redis_mode:cluster/m.test(info)) return;
  const size = /^cluster_size:(\d+)/m.exec(String(await redis.call("CLUSTER", "INFO")))?.[1];
  if (Number(size) > 1) throw new Error(`IS_A_CLUSTER the server is one of ${size} shards`);
}

/** The name of a stream that every gateway may read. */
const PROBE_STREAM = streamKey({ channel: "monitor:signals", key: undefined });

/** The probe of what a gateway does with streams: a user whose access string lacks it connects and answers all the same. */
const rightsProbe = (reader: Redis | Cluster): Probe => ({
  name: "reader rights",
  async run() {
    await reader.xrevrange(PROBE_STREAM, "+", "-", "COUNT", 1);
    await reader.eval("return redis.call('EXISTS', KEYS[1])", 1, PROBE_STREAM);
  },
});

function clusterProbes(cluster: Cluster, listener: TimeListener): Probe[] {
  const primaries = primariesOf(cluster);
  const nodes = new Map(cluster.nodes("master").map((node) => [keyOf(node), node]));
  listener.clock.retain(primaries);
  const primaryProbes = [...primaries].map((primary): Probe => {
    const node = nodes.get(primary);
    const run = node
      ? () => readTime(node, primary, listener)
      : () => Promise.reject(new Error(`CLUSTERDOWN no connection to ${primary}`));
    return { name: `reader ${primary}`, run };
  });
  // Through the cluster's client as well: it may refuse commands although the primaries answer.
  return [{ name: "reader", run: () => cluster.time() }, rightsProbe(cluster), ...primaryProbes];
}

/** Returns the probes of the connection for reads: the time of every primary, that it is one, and that streams can be read. */
export function readerProbes(reader: Redis | Cluster, listener: TimeListener): Probe[] {
  if (reader instanceof Cluster) return clusterProbes(reader, listener);
  const run = (): Promise<unknown> => Promise.all([readTime(reader, "reader", listener), assertPrimary(reader)]);
  return [{ name: "reader", run }, rightsProbe(reader)];
}
