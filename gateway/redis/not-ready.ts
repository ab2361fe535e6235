import { errorTexts, PASSWORD_REFUSED } from "../../kernel/redis/error-texts.ts";

/** The reasons for which a gateway cannot serve, by the label of the metric `rt_not_ready_reason`. */
export const notReadyReasons = {
  redis_unreachable: "no connection to Redis: check the address, the network and the security groups",
  redis_silent: "Redis does not answer although a connection is open or being opened",
  password_refused: "Redis refuses the user or the password: check RT_REDIS_USERNAME and RT_REDIS_PASSWORD",
  permission_refused:
    "the Redis user may not run a command or use a name that the gateway needs: check its access string",
  not_a_cluster: "this Redis is not a cluster: set RT_REDIS_CLUSTER to false",
  is_a_cluster: "this Redis is a cluster of several shards: set RT_REDIS_CLUSTER to true",
  cluster_down: "no node serves some of the cluster's slots",
  replica: "the address leads to a read-only replica: use the primary's",
  redis_loading: "Redis is loading its data set",
  tls_failed: "the TLS connection to Redis fails: check the scheme (rediss: for TLS) and the certificate",
  redis_error: "Redis answers with an error",
  draining: "the gateway is draining",
  full: "the gateway has reached its maximum number of connections",
} as const;

export type NotReadyReason = keyof typeof notReadyReasons;

/** Patterns of replies and errors of Redis, Node and ioredis, the most specific first. */
const patterns: readonly (readonly [pattern: RegExp, reason: NotReadyReason])[] = [
  [PASSWORD_REFUSED, "password_refused"],
  [/NOPERM/, "permission_refused"],
  [/cluster support disabled/, "not_a_cluster"],
  [/^IS_A_CLUSTER|MOVED \d/, "is_a_cluster"],
  [/^IS_A_REPLICA|READONLY|MASTERDOWN/, "replica"],
  [/CLUSTERDOWN|not all slots/i, "cluster_down"],
  [/LOADING/, "redis_loading"],
  [/SSL|TLS|certificate|CERT_|wrong version number|altname/i, "tls_failed"],
  [/ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ETIMEDOUT/, "redis_unreachable"],
  [/Socket timeout|Command timed out|timeout/i, "redis_silent"],
];

/** Returns the reason that an error of a connection or a command gives; undefined where it says only that there is none. */
export function reasonOf(error: unknown): NotReadyReason | undefined {
  for (const text of errorTexts(error)) {
    const found = patterns.find(([pattern]) => pattern.test(text));
    if (found) return found[1];
    if (/^(?:ERR|[A-Z]{4,}) /.test(text)) return "redis_error";
  }
  return undefined;
}
