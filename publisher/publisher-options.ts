import { ConfigurationError, parseEnvironment } from "../kernel/env.ts";
import { credentialsOf } from "../kernel/redis/redis.ts";
import type { PublisherLogger } from "./logger.ts";
import { type PublisherConfig, publisherEnvironment } from "./publisher-config.ts";

type RedisAddress =
  | {
      /** `redis://host:port`, or `rediss://host:port` for TLS. On a cluster any node, or the configuration endpoint. */
      readonly url: string;
    }
  | {
      readonly host: string;
      /** @default 6379 */
      readonly port?: number | undefined;
      /** @default false */
      readonly tls?: boolean | undefined;
    };

/** Address of Redis, and the credentials for it. */
export type RedisConnectionOptions = RedisAddress & {
  /**
   * True for a cluster, such as ElastiCache with cluster mode on, or Serverless.
   *
   * @default false
   */
  readonly cluster?: boolean | undefined;
  /** @default - the one in `url`, or Redis's default user */
  readonly username?: string | undefined;
  /** @default - the one in `url`, or none */
  readonly password?: string | undefined;
  /**
   * The ARN of the AWS Secrets Manager secret whose value is the password. It is read before the first message is
   * published.
   *
   * @default - `password` is used
   */
  readonly passwordSecretArn?: string | undefined;
};

export interface PublisherOptions {
  /** A URL (`redis://host:port`), or more than that. */
  readonly redis: string | RedisConnectionOptions;
  /**
   * The URL of the managed edge's SQS FIFO queue.
   *
   * @default - there is no managed edge
   */
  readonly managedEdgeQueueUrl?: string | undefined;
  /**
   * Limit, in ms, on how far ahead of Redis's clock a version that is a time may be. The same for all publishers of a
   * stream.
   *
   * @default 60,000
   */
  readonly maximumClockSkewMs?: number | undefined;
  /**
   * Gets the warnings: a lost Redis connection, stale messages at most once a minute for each stream.
   *
   * @default - JSON lines in the process's output, by the Logger of Powertools for AWS Lambda
   */
  readonly logger?: PublisherLogger | undefined;
  /**
   * Writes CloudWatch metrics to the process's output, in the embedded metric format, with this name as dimension
   * `FunctionName`. Off unless it is given, since only CloudWatch Logs can read it.
   *
   * @default - no metrics
   */
  readonly metrics?: { readonly functionName: string } | undefined;
}

/** By what name an error speaks of a setting that was given as an option. */
const optionNames: Readonly<Record<keyof PublisherConfig, string>> = {
  RT_REDIS_URL: "redis.url",
  RT_REDIS_CLUSTER: "redis.cluster",
  RT_REDIS_USERNAME: "redis.username",
  RT_REDIS_PASSWORD: "redis.password",
  RT_REDIS_SECRET_ARN: "redis.passwordSecretArn",
  RT_EDGE_QUEUE_URL: "managedEdgeQueueUrl",
  RT_MAXIMUM_CLOCK_SKEW_MS: "maximumClockSkewMs",
};

const inOptionNames = (message: string): string =>
  Object.entries(optionNames).reduce((text, [variable, option]) => text.replaceAll(variable, option), message);

const toText = (value: number | boolean | undefined): string | undefined =>
  value === undefined ? undefined : String(value);

function urlOf(redis: RedisAddress): string | undefined {
  if ("url" in redis) return redis.url;
  // A caller without types may have left it out; the URL is then reported as missing.
  if (redis.host === undefined) return undefined;
  return `${redis.tls ? "rediss" : "redis"}://${redis.host}:${redis.port ?? 6379}`;
}

/**
 * Parses the options of `createPublisher()`.
 *
 * @throws ConfigurationError that lists every option that is missing or wrong, never a value.
 */
export function parseOptions({ redis, managedEdgeQueueUrl, maximumClockSkewMs }: PublisherOptions): PublisherConfig {
  const connection: RedisConnectionOptions = typeof redis === "object" ? redis : { url: redis };
  try {
    const variables: Record<keyof PublisherConfig, string | undefined> = {
      RT_REDIS_URL: urlOf(connection),
      RT_REDIS_CLUSTER: toText(connection.cluster),
      RT_REDIS_USERNAME: connection.username,
      RT_REDIS_PASSWORD: connection.password,
      RT_REDIS_SECRET_ARN: connection.passwordSecretArn,
      RT_EDGE_QUEUE_URL: managedEdgeQueueUrl,
      RT_MAXIMUM_CLOCK_SKEW_MS: toText(maximumClockSkewMs),
    };
    const config = parseEnvironment(publisherEnvironment, variables, "options");
    // Now, and not with the first message.
    credentialsOf(config);
    return config;
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause;
    throw new ConfigurationError(`createPublisher(): ${inOptionNames(cause.message)}`, { cause });
  }
}
