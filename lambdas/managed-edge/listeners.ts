import * as z from "zod";
import {
  edgeTable,
  roomPartition,
  rowExpiry,
  shardOf,
  shardsOf,
  startPartition,
} from "../../contract/server/edge-table.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import type { RowKey, Table } from "./table.ts";

/** One connection of API Gateway. */
export interface ConnectionKey {
  readonly id: string;
  /** In ms since 1970, by API Gateway's clock. */
  readonly connectedAt: number;
}

/** One connection in one room. */
export interface Listener {
  readonly connection: ConnectionKey;
  /** The room. */
  readonly stream: Stream;
  /** Messages from this moment of Redis's clock on (ms since 1970) are for it; absent while it is catching up. */
  readonly liveFrom?: number | undefined;
  /** Fan-outs that passed it by while it was catching up. */
  readonly skips: number;
  /** Which `subscribe` wrote it. */
  readonly attempt: string;
  /** Until when it may listen, in ms since 1970; on a private channel, the end of the token. */
  readonly validUntil?: number | undefined;
}

const listenerSchema = z.object({
  [edgeTable.sortKey]: z.string(),
  connectedAt: z.number(),
  liveFrom: z.number().optional(),
  skips: z.number(),
  attempt: z.string(),
  validUntil: z.number().optional(),
});

function keyOf(connectionId: string, stream: Stream): RowKey {
  const shard = shardOf(connectionId, shardsOf(stream.channel));
  return { partition: roomPartition(roomName(stream), shard), sort: connectionId };
}

function toListener(row: unknown, stream: Stream): Listener[] {
  const parsed = listenerSchema.safeParse(row);
  if (!parsed.success) return [];
  const { sk: id, connectedAt, ...listener } = parsed.data;
  return [{ ...listener, stream, connection: { id, connectedAt } }];
}

const startSchema = z.object({ attempt: z.string(), ids: z.record(z.string(), z.string()) });

const startKey = ({ connection, stream }: Pick<Listener, "connection" | "stream">): RowKey => ({
  partition: startPartition(roomName(stream)),
  sort: connection.id,
});

/** What begins a listener's life. */
export interface NewListener {
  readonly connection: ConnectionKey;
  readonly attempt: string;
  readonly validUntil?: number | undefined;
}

/**
 * The rooms' side of the table. A listener is first catching up: fan-outs pass it by, but count that they did, and it
 * goes live only on the condition that it has read the stream after the last of them. So nothing reaches a connection
 * twice, out of order or not at all, however subscribing and publishing fall together.
 */
export class Listeners {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** The listeners of a room (of one shard of it, where given), a page at a time. */
  async *pages(stream: Stream, shard: number): AsyncIterable<readonly Listener[]> {
    for await (const page of this.#table.pages(roomPartition(roomName(stream), shard))) {
      yield page.flatMap((row) => toListener(row, stream));
    }
  }

  /** Lets a connection into rooms, catching up. Where it is there already it starts again. */
  async add(streams: readonly Stream[], { connection, attempt, validUntil }: NewListener): Promise<void> {
    const { id, connectedAt } = connection;
    const end = validUntil === undefined ? {} : { validUntil };
    await this.#table.putAll(
      streams.map((stream) => ({
        ...keyOf(id, stream),
        values: { connectedAt, skips: 0, attempt, ...end },
        expiresAt: rowExpiry(connectedAt),
      })),
    );
  }

  /** Passes by one that is catching up, and says so on its row. False where it no longer is: look at it again. */
  skip({ connection, stream, attempt }: Listener): Promise<boolean> {
    return this.#table.change(keyOf(connection.id, stream), {
      UpdateExpression: "ADD skips :one",
      ConditionExpression: "attempt = :attempt AND attribute_not_exists(liveFrom)",
      ExpressionAttributeValues: { ":one": 1, ":attempt": attempt },
    });
  }

  /**
   * Ends the catching up, from `liveFrom` on; false where a fan-out has passed by since `skips` was read, or where
   * another `subscribe` has taken over.
   */
  goLive({ connection, stream, attempt, skips }: Listener, liveFrom: number): Promise<boolean> {
    return this.#table.change(keyOf(connection.id, stream), {
      UpdateExpression: "SET liveFrom = :liveFrom",
      ConditionExpression: "attempt = :attempt AND skips = :skips",
      ExpressionAttributeValues: { ":liveFrom": liveFrom, ":attempt": attempt, ":skips": skips },
    });
  }

  /** Ends the catching up, whatever passed by; what that was shows by `prev`. */
  async forceLive({ connection, stream, attempt }: Omit<Listener, "skips">, liveFrom: number): Promise<void> {
    await this.#table.change(keyOf(connection.id, stream), {
      UpdateExpression: "SET liveFrom = :liveFrom",
      ConditionExpression: "attempt = :attempt",
      ExpressionAttributeValues: { ":liveFrom": liveFrom, ":attempt": attempt },
    });
  }

  /**
   * Remembers what a listener that is about to go live has of `latest` streams that moved a moment ago, by key: their
   * next value may stand for some that nobody else can tell of.
   */
  async noteStart(listener: Omit<Listener, "skips">, ids: Readonly<Record<string, string>>): Promise<void> {
    const { connection, attempt } = listener;
    await this.#table.putAll([
      { ...startKey(listener), values: { attempt, ids }, expiresAt: rowExpiry(connection.connectedAt) },
    ]);
  }

  /** The id that a listener had of a stream as it went live, where it was remembered. */
  async startOf(listener: Listener, { key = "" }: Stream): Promise<string | undefined> {
    const parsed = startSchema.safeParse(await this.#table.get(startKey(listener)));
    return parsed.success && parsed.data.attempt === listener.attempt ? parsed.data.ids[key] : undefined;
  }

  /** Gives a connection's private rooms until a new end. */
  async renew({ id, connectedAt }: ConnectionKey, streams: readonly Stream[], validUntil: number): Promise<void> {
    const renewing = streams.map((stream) =>
      this.#table.change(keyOf(id, stream), {
        UpdateExpression: "SET validUntil = :validUntil",
        ConditionExpression: "connectedAt = :connectedAt",
        ExpressionAttributeValues: { ":validUntil": validUntil, ":connectedAt": connectedAt },
      }),
    );
    await Promise.all(renewing);
  }

  /** A connection in a room, as it is now. */
  async find(connectionId: string, stream: Stream): Promise<Listener | undefined> {
    return toListener(await this.#table.get(keyOf(connectionId, stream)), stream)[0];
  }

  async remove(connectionId: string, streams: readonly Stream[]): Promise<void> {
    await this.#table.deleteAll(streams.map((stream) => keyOf(connectionId, stream)));
  }
}
