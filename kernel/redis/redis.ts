import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import type { z } from "zod";
import { ConfigurationError, type redisEnvironment } from "../env.ts";
import { guardRedirects } from "./redis-redirects.ts";

/** The address and credentials of Redis; see {@link redisEnvironment}. */
export type RedisConfig = z.infer<typeof redisEnvironment>;

/** Timeouts of a publisher's connection attempt and command, in ms: beyond them the caller's retry takes over. */
const PUBLISH_CONNECT_TIMEOUT_MS = 2_000;
const PUBLISH_COMMAND_TIMEOUT_MS = 1_500;

/**
 * Longest time for which a connection may leave a command unanswered, in ms, before it is replaced by a new one: a link
 * that went silent without a reset looks idle. Longer than any command of ours takes, shorter than a trader's patience.
 */
const SILENCE_TIMEOUT_MS = 6_000;

/** Longest pause between two attempts to reconnect, in ms. */
const MAXIMUM_RECONNECT_DELAY_MS = 2_000;

/**
 * Returns the delay before a reconnection attempt: backs off from 50 ms, with jitter so that a fleet does not reconnect
 * at once.
 */
export const reconnectDelay = (attempt: number): number =>
  Math.round(Math.min(MAXIMUM_RECONNECT_DELAY_MS, 50 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2));

type ConnectionErrorListener = (error: Error) => void;

interface ConnectOptions {
  readonly redis: RedisOptions;
  readonly cluster?: ClusterOptions;
  readonly onError: ConnectionErrorListener;
}

/** Errors of a server that has become a replica: its address leads to the new primary, now or soon. */
const DEMOTED = /^(?:READONLY|MASTERDOWN)/;

/** Reconnects and resends the command (ioredis's 2) if the server is no longer a primary. */
const reconnectOnError = ({ message }: Error): false | 2 => (DEMOTED.test(message) ? 2 : false);

interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

function decode(text: string): string | undefined {
  try {
    return text === "" ? undefined : decodeURIComponent(text);
  } catch (cause) {
    const message = "RT_REDIS_URL: user and password must be percent-encoded; % itself is %25";
    throw new ConfigurationError(message, { cause });
  }
}

function choose(name: string, own: string | undefined, ofUrl: string | undefined): string | undefined {
  if (own === undefined || ofUrl === undefined || own === ofUrl) return own ?? ofUrl;
  throw new ConfigurationError(`${name} differs from the one in RT_REDIS_URL; remove one of the two`);
}

/**
 * Returns the user and password from their own variables, or from the URL.
 *
 * @throws ConfigurationError if both are given and differ, or the URL's are not percent-encoded.
 */
export function credentialsOf(config: RedisConfig): Credentials {
  const { username, password } = new URL(config.RT_REDIS_URL);
  return {
    username: choose("RT_REDIS_USERNAME", config.RT_REDIS_USERNAME, decode(username)),
    password: choose("RT_REDIS_PASSWORD", config.RT_REDIS_PASSWORD, decode(password)),
  };
}

function connect(config: RedisConfig, { redis, cluster, onError }: ConnectOptions): Redis | Cluster {
  const url = new URL(config.RT_REDIS_URL);
  const port = Number(url.port || 6379);
  const tls = url.protocol === "rediss:";
  const options: RedisOptions = {
    ...redis,
    ...credentialsOf(config),
    socketTimeout: SILENCE_TIMEOUT_MS,
    reconnectOnError,
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
 * Creates a connection to publish with: commands fail within seconds instead of being queued, so that the event source,
 * which keeps the event, retries. Connects on first use.
 *
 * @param onError called with every connection error; the commands affected reject on their own.
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

/** Creates a connection to subscribe with: it reconnects without limit, and resubscribes. */
export const connectSubscriber = (config: RedisConfig, onError: ConnectionErrorListener): Redis | Cluster =>
  connect(config, {
    redis: { maxRetriesPerRequest: null, connectTimeout: 5_000, keepAlive: 10_000 },
    // Without shardedSubscribers a cluster client receives no sharded Pub/Sub messages.
    cluster: { shardedSubscribers: true },
    onError,
  });

/** Creates a connection to read streams with: a command without an answer fails, and the caller retries. */
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
