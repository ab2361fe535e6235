import { NAMESPACE } from "../../../contract/messages.ts";

/** Who connects to Redis. Each has a user, a password and an access string of its own. */
export const redisRoles = ["gateway", "publisher", "managed-edge"] as const;

export type RedisRole = (typeof redisRoles)[number];

/** The prefix of everything that the Socket.IO adapter sends; rooms of streams follow it with their hash tag. */
const ADAPTER = `socket.io#${NAMESPACE}#`;

/** A client's own housekeeping: log in, name itself, learn the cluster's slots. */
const CONNECT = "-@all +@connection -@dangerous +info +cluster|slots +cluster|shards +cluster|nodes +cluster|info";

/** What the publish script calls, and the script itself. Its Pub/Sub channels are passed as keys, hence the key pattern. */
const PUBLISH_NAMES = `~stream:{* ~seen:{* ~guard:{* ~stale:{* ~frozen:{* ~index:{* ~edge:{* ~${ADAPTER}{*`;
const PUBLISH =
  "+eval +evalsha +time +xrevrange +xadd +exists +sismember +sadd +hget +hset +hlen +rename +expire +expireat +zadd +zscore +zrem " +
  "+zremrangebyscore +zremrangebyrank +spublish";

/** The managed edge reads streams and writes its own marks alone. A script counts as a write of the keys it is given. */
const EDGE_NAMES = "%R~stream:{* %R~index:{* ~edge:{* ~fanned:{*";

/**
 * The ElastiCache access strings (Redis ACL rules). Publishers reach the rooms of streams and nothing else: the
 * adapter's control channels (of this namespace and of the default one), over which sockets can be moved and closed,
 * are the gateway's alone.
 */
export const accessStrings: Readonly<Record<RedisRole, string>> = {
  publisher: `on resetchannels ${PUBLISH_NAMES} &${ADAPTER}{* ${CONNECT} ${PUBLISH}`,
  gateway: `on resetchannels ${PUBLISH_NAMES} &socket.io#* ${CONNECT} ${PUBLISH} +xrange +zrangebyscore +zcount +ssubscribe +sunsubscribe +pubsub|shardnumsub`,
  "managed-edge": `on resetchannels ${EDGE_NAMES} ${CONNECT} +eval +evalsha +time +get +mget +set +xrange +xrevrange +zrangebyscore`,
};
