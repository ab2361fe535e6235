import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import type { z } from "zod";
import type { redisEnvironment } from "./env.ts";
import { guardRedirects } from "./redis-redirects.ts";

/** Where Redis is; see {@link redisEnvironment}. */
export type RedisConfig = z.infer<typeof redisEnvironment>;

/** Longest that a publisher waits for a connection and for an answer, in ms: the caller's own retry does the rest. */
const PUBLISH_CONNECT_TIMEOUT_MS = 2_000;
const PUBLISH_COMMAND_TIMEOUT_MS = 1_500;

/** Longest pause between two attempts to reconnect, in ms. */
const MAXIMUM_RECONNECT_DELAY_MS = 2_000;

/** Backs off from 50 ms, with jitter so that a fleet does not come back as one. */
export const reconnectDelay = (attempt: number): number =>
  Math.round(Math.min(MAXIMUM_RECONNECT_DELAY_MS, 50 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2));

type ConnectionErrorListener = (error: Error) => void;

interface ConnectOptions {
  readonly redis: RedisOptions;
  readonly cluster?: ClusterOptions;
  readonly onError: ConnectionErrorListener;
}

function connect(config: RedisConfig, { redis, cluster, onError }: ConnectOptions): Redis | Cluster {
  const url = new URL(config.RT_REDIS_URL);
  const port = Number(url.port || 6379);
  const tls = url.protocol === "rediss:";
  const options: RedisOptions = {
    ...redis,
    username: config.RT_REDIS_USERNAME,
    password: config.RT_REDIS_PASSWORD,
    tls: tls ? {} : undefined,
  };
  const client = config.RT_REDIS_CLUSTER
    ? new Cluster([{ host: url.hostname, port }], {
        clusterRetryStrategy: reconnectDelay,
        slotsRefreshTimeout: 3_000,
        slotsRefreshInterval: 10_000,
        // ElastiCache's certificates carry host names, so names must not be resolved to addresses beforehand.
        ...(tls ? { dnsLookup: (address: string, callback) => callback(null, address) } : {}),
        ...cluster,
        redisOptions: options,
      })
    : new Redis({ ...options, host: url.hostname, port, retryStrategy: reconnectDelay });
  client.on("error", onError);
  if (client instanceof Cluster) guardRedirects(client);
  return client;
}

/**
 * A connection to publish with: it fails within seconds instead of queueing, so that the event source's retry, which
 * keeps the event, takes over. Connects on first use.
 *
 * @param onError hears every connection error; the commands affected fail on their own.
 */
export const connectPublisher = (config: RedisConfig, onError: ConnectionErrorListener): Redis | Cluster =>
  connect(config, {
    redis: {
      lazyConnect: true,
      connectTimeout: PUBLISH_CONNECT_TIMEOUT_MS,
      commandTimeout: PUBLISH_COMMAND_TIMEOUT_MS,
      maxRetriesPerRequest: 1,
      keepAlive: 10_000,
    },
    cluster: { lazyConnect: true, retryDelayOnFailover: 100, maxRedirections: 5 },
    onError,
  });

/** A connection to subscribe with: it reconnects and subscribes again for ever. */
export const connectSubscriber = (config: RedisConfig, onError: ConnectionErrorListener): Redis | Cluster =>
  connect(config, {
    redis: { maxRetriesPerRequest: null, connectTimeout: 5_000, keepAlive: 10_000 },
    // Without shardedSubscribers a cluster client never gets sharded Pub/Sub messages.
    cluster: { shardedSubscribers: true },
    onError,
  });

/** A connection to read streams with: a command that gets no answer fails, and the reader asks again. */
export const connectReader = (config: RedisConfig, onError: ConnectionErrorListener): Redis | Cluster =>
  connect(config, {
    redis: {
      connectTimeout: 5_000,
      commandTimeout: 5_000,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      keepAlive: 10_000,
    },
    cluster: { enableOfflineQueue: false },
    onError,
  });
