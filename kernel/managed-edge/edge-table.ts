import { createHash } from "node:crypto";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { CONNECTION_LIFETIME_MS } from "../../contract/managed-edge.ts";

/**
 * The managed edge's one table. Four kinds of rows:
 *
 * | row | partition key | sort key | holds |
 * | --- | --- | --- | --- |
 * | connection | `connection#<id>` | `connection` | its user (`sub`), and when the token expires |
 * | subscription | `connection#<id>` | `room#<room>` | channel and key of the topic, its view of a state channel, and whether it is live |
 * | subscriber | `room#<room>#<shard>` | `<connection id>` | the id after which it gets messages, in which view, and until when |
 * | start | `start#<room>` | `<connection id>#<number>` | of a whole channel: the ids that it had of streams whose cursor was at another id |
 *
 * So one query finds a connection's user and subscriptions (the connection's partition), and one query per shard finds the
 * subscribers of a room; nothing scans. Connections, subscriptions and subscribers carry `connectedAt` (ms), which tells
 * the rows of an ended connection from those of a newer one with the same id. Every row carries `expiresAt` (s). A
 * subscriber's row is written after its subscription's row and deleted before it, so that every one can be found.
 */
export const edgeTable = { partitionKey: "pk", sortKey: "sk", timeToLive: "expiresAt" } as const;

/** Time that a row is kept after its connection must have ended, in ms. */
const ROW_GRACE_MS = 10 * 60_000;

/** Partitions that the subscribers of a public room are spread over: one takes some 3,000 reads of 4 KB a second. */
export const ROOM_SHARDS = 4;

export const CONNECTION_ROW = "connection";

const ROOM_PREFIX = "room#";

/** Longest room name that keys carry as it is. DynamoDB takes 1,024 bytes; an encoded market id may have 1,152. */
const MAXIMUM_ROOM_LENGTH = 256;

/** Returns a room's name, or its hash. A room begins with `{`, so that none has the name of a hash. */
const keyPart = (room: string): string =>
  room.length <= MAXIMUM_ROOM_LENGTH ? room : `#${createHash("sha256").update(room).digest("hex")}`;

export const connectionPartition = (connectionId: string): string => `connection#${connectionId}`;

/** Returns the sort key of a subscription's row. Where it is a hash, the row's fields say which topic it is of. */
export const subscriptionRow = (room: string): string => `${ROOM_PREFIX}${keyPart(room)}`;

/** Returns the number of shards of a channel's rooms: a private room has one, for the few devices of one user. */
export const shardsOf = (channel: Channel): number =>
  channelDefinition(channel).access === "public" ? ROOM_SHARDS : 1;

/** Returns the shard of a connection, the same in all rooms with that number of shards. */
export const shardOf = (connectionId: string, shards: number): number =>
  createHash("sha256").update(connectionId).digest().readUInt32BE() % shards;

export const startPartition = (room: string): string => `start#${keyPart(room)}`;

/** Returns the sort key of one of the rows that hold the positions of a subscriber of a whole channel. */
export const startRow = (connectionId: string, number: number): string => `${connectionId}#${number}`;

export const roomPartition = (room: string, shard: number): string => `${ROOM_PREFIX}${keyPart(room)}#${shard}`;

/** Returns when the rows of a connection expire, in seconds since 1970. DynamoDB deletes them hours later. */
export const rowExpiry = (connectedAt: number): number =>
  Math.ceil((connectedAt + CONNECTION_LIFETIME_MS + ROW_GRACE_MS) / 1_000);
