import { createHash } from "node:crypto";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { CONNECTION_LIFETIME_MS } from "../../contract/managed-edge.ts";

/**
 * The managed edge's one table. Four kinds of rows:
 *
 * | row | partition key | sort key | holds |
 * | --- | --- | --- | --- |
 * | connection | `connection#<id>` | `connection` | since when, whose (`sub`), until when the token holds |
 * | subscription | `connection#<id>` | `room#<room>` | channel and key of the room, whether it has gone live |
 * | listener | `room#<room>#<shard>` | `<connection id>` | after which id it gets messages, until when it may |
 * | start | `start#<room>` | `<connection id>#<number>` | of a whole channel: the ids that it had of streams whose fan-out was elsewhere |
 *
 * So one query each answers: what does this connection listen to, and who is its user (the connection's partition); who
 * listens to this room (a query per shard, by key, never a scan). All rows carry `connectedAt` (ms), by which the rows
 * of an ended connection are told from those of a newer one, and `expiresAt` (s), their end where nobody deletes them.
 * A listener row is written after its subscription row and deleted before it: none can be left that cannot be found.
 */
export const edgeTable = { partitionKey: "pk", sortKey: "sk", timeToLive: "expiresAt" } as const;

/** How much longer than its connection can live a row is kept, in ms. */
const ROW_GRACE_MS = 10 * 60_000;

/** Partitions that the listeners of a public room are spread over: one takes some 3,000 reads of 4 KB a second. */
export const ROOM_SHARDS = 4;

export const CONNECTION_ROW = "connection";

const ROOM_PREFIX = "room#";

/** Longest room that is its own name in a key. DynamoDB takes 1,024 bytes; an encoded market id may have 1,152. */
const MAXIMUM_ROOM_LENGTH = 256;

/** Rooms begin with `{`, so that no other room can have the name of a hash. */
const keyPart = (room: string): string =>
  room.length <= MAXIMUM_ROOM_LENGTH ? room : `#${createHash("sha256").update(room).digest("hex")}`;

export const connectionPartition = (connectionId: string): string => `connection#${connectionId}`;

/** A long room is hashed: the row's own fields say which one it is. */
export const subscriptionRow = (room: string): string => `${ROOM_PREFIX}${keyPart(room)}`;

/** How many shards the rooms of a channel have: a private room has the few devices of one user. */
export const shardsOf = (channel: Channel): number =>
  channelDefinition(channel).access === "public" ? ROOM_SHARDS : 1;

/** The shard of a connection, the same in all rooms that have as many. */
export const shardOf = (connectionId: string, shards: number): number =>
  createHash("sha256").update(connectionId).digest().readUInt32BE() % shards;

export const startPartition = (room: string): string => `start#${keyPart(room)}`;

/** The positions of a listener of a whole channel may take several rows. */
export const startRow = (connectionId: string, number: number): string => `${connectionId}#${number}`;

export const roomPartition = (room: string, shard: number): string => `${ROOM_PREFIX}${keyPart(room)}#${shard}`;

/** When the rows of a connection expire, in seconds since 1970. DynamoDB deletes them some hours later. */
export const rowExpiry = (connectedAt: number): number =>
  Math.ceil((connectedAt + CONNECTION_LIFETIME_MS + ROW_GRACE_MS) / 1_000);
