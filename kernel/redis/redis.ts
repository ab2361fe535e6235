import { Cluster, type ClusterOptions, Redis, type RedisOptions } from "ioredis";
import type { z } from "zod";
import { ConfigurationError, type redisEnvironment } from "../env.ts";
import { guardRedirects } from "./redis-redirects.ts";

/** Where Redis is; see {@link redisEnvironment}. */
export type RedisConfig = z.infer<typeof redisEnvironment>;

/** Longest that a publisher waits for a connection and for an answer, in ms: the caller's own retry does the rest. */
const PUBLISH_CONNECT_TIMEOUT_MS = 2_000;
const PUBLISH_COMMAND_TIMEOUT_MS = 1_500;

/**
 * Longest that a connection may owe an answer, in ms, before it is given up for a new one: a link that has gone silent
 * without a reset looks like a quiet one. Longer than any command of ours takes, shorter than a trader's patience.
 */
const SILENCE_TIMEOUT_MS = 6_000;

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

/** Answers of a server that has become a replica: where the address leads to now is the primary, or soon will be. */
const DEMOTED = /^(?:READONLY|MASTERDOWN)/;

/** Connects anew and asks again (ioredis's 2) where the server is no primary any more. */
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
  throw new ConfigurationError(`${name} is not the one that RT_REDIS_URL carries; take one of the two away`);
}

/**
 * The user and password from the variables of their own, or from the URL.
 *
 * @throws ConfigurationError where both are given and differ, or the URL's are not percent-encoded.
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

/** A connection to subscribe with: it never stops trying to reconnect, and subscribes again. */
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
