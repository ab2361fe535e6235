import { NAMESPACE } from "../../../contract/endpoints.ts";
import { CONTROL_STREAM, GATEWAY_DETAILS, GATEWAYS } from "../../../kernel/control/control-keys.ts";

/** The roles that connect to Redis. Each has its own user, password and access string. */
export const redisRoles = ["gateway", "publisher", "managed-edge"] as const;

export type RedisRole = (typeof redisRoles)[number];

/** Returns the id of a role's user, unique in the account and region; ElastiCache generates none. */
export const redisUserId = (environmentName: string, role: RedisRole): string => `${environmentName}-${role}`;

/** The prefix of every Pub/Sub channel of the Socket.IO adapter; the rooms of topics follow it with their hash tag. */
const ADAPTER = `socket.io#${NAMESPACE}#`;

/** The commands of the client library: authenticate, set a name, read the slots of the cluster. */
const CONNECT = "-@all +@connection -@dangerous +info +cluster|slots +cluster|shards +cluster|nodes +cluster|info";

/** The keys of the publish script. Its Pub/Sub channels are passed as keys, hence their pattern among them. */
const PUBLISH_NAMES = `~stream:{* ~seen:{* ~guard:{* ~stale:{* ~frozen:{* ~index:{* ~state:{* ~edge:{* ~${ADAPTER}{*`;
const PUBLISH =
  "+eval +evalsha +time +xrevrange +xadd +exists +sismember +sadd +hget +hset +hlen +hmget +hgetall +hdel +rename +expire +expireat +zadd +zscore +zrem " +
  "+zremrangebyscore +zremrangebyrank +spublish +pubsub|shardnumsub";

/** Gateways read the control stream, which operators alone write, and announce themselves. */
const CONTROL_NAMES = `%R~${CONTROL_STREAM} ~${GATEWAYS} ~${GATEWAY_DETAILS}`;

/** The managed edge reads streams and writes only its own keys. A script counts as a write to the keys it is passed. */
const EDGE_NAMES = "%R~stream:{* %R~index:{* %R~state:{* ~edge:{* ~fanned:{*";

/** Everything to everybody: `cache.accessStrings: broad`, where ElastiCache refuses the strings below. */
const BROAD = "on ~* &* +@all";

/**
 * The ElastiCache access strings (Redis ACL rules). Publishers reach the rooms of streams and nothing else: the
 * adapter's control channels (of this namespace and of the default one), over which sockets can be moved and closed,
 * belong to the gateway.
 */
export const accessStrings: Readonly<Record<RedisRole, string>> = {
  publisher: `on resetchannels ${PUBLISH_NAMES} &${ADAPTER}{* ${CONNECT} ${PUBLISH}`,
  gateway: `on resetchannels ${PUBLISH_NAMES} ${CONTROL_NAMES} &socket.io#* ${CONNECT} ${PUBLISH} +xrange +zrangebyscore +zcount +ssubscribe +sunsubscribe`,
  "managed-edge": `on resetchannels ${EDGE_NAMES} ${CONNECT} +eval +evalsha +time +get +mget +set +hgetall +xrange +xrevrange +zrangebyscore`,
};

/** Returns the access string of a role's user. */
export const accessStringOf = (role: RedisRole, rights: "strict" | "broad"): string =>
  rights === "broad" ? BROAD : accessStrings[role];
