import type { Cluster, Redis } from "ioredis";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { connectPublisher, connectSubscriber } from "../../kernel/redis/redis.ts";
import { createPublisher, type Publisher } from "../../kernel/streams/publisher.ts";
import { startRedis } from "../../local/redis.ts";
import { startRedisCluster } from "../../local/redis-cluster.ts";

/** The two shapes of Redis that everything has to work on. */
export const redisKinds = ["a single Redis", "a three-node cluster"] as const;

export type RedisKind = (typeof redisKinds)[number];

/** A Redis of either shape, with a publisher on it. */
export interface TestRedis {
  /** Variables that a gateway or a Lambda needs to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  /** A connection for looking and meddling. */
  readonly commands: Redis | Cluster;
  /** Another publisher, on a connection of its own, as a second Lambda instance has it. */
  addPublisher(): Publisher;
  /** One more connection for commands. */
  addPublisherConnection(): Redis | Cluster;
  /** A connection that can subscribe to sharded Pub/Sub channels. */
  addSubscriber(): Redis | Cluster;
  stop(): Promise<void>;
}

/** Connects to a Redis that runs; `stop` ends the connections alone. */
export function connectTestRedis(environment: TestRedis["environment"]): TestRedis {
  const config = parseEnvironment(redisEnvironment, environment);
  // Errors reach the caller of every command as well.
  const ignore = (): undefined => undefined;
  const connections: (Redis | Cluster)[] = [];
  const keep = <C extends Redis | Cluster>(connection: C): C => {
    connections.push(connection);
    return connection;
  };
  return {
    environment,
    commands: keep(connectPublisher(config, ignore)),
    addPublisher: () => createPublisher(keep(connectPublisher(config, ignore))),
    addPublisherConnection: () => keep(connectPublisher(config, ignore)),
    addSubscriber: () => keep(connectSubscriber(config, ignore)),
    async stop() {
      for (const connection of connections) connection.disconnect();
    },
  };
}

export async function startTestRedis(kind: RedisKind): Promise<TestRedis> {
  const isCluster = kind === "a three-node cluster";
  const servers = isCluster ? await startRedisCluster() : await startRedis();
  const url = "urls" in servers ? servers.urls[0] : servers.url;
  const redis = connectTestRedis({ RT_REDIS_URL: String(url), RT_REDIS_CLUSTER: String(isCluster) });
  return {
    ...redis,
    async stop() {
      await redis.stop();
      await servers.stop();
    },
  };
}
