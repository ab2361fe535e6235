import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { roomName, type Stream, type Topic } from "../../../contract/stream.ts";
import { edgeTable, roomPartition, rowExpiry, shardOf, shardsOf } from "../../../kernel/managed-edge/edge-table.ts";
import type { ConnectionKey, Listener } from "./room-subscriber.ts";
import { type StartFields, startFieldsSchema, startValues } from "./start-fields.ts";
import type { Change, RowKey, Table } from "./table.ts";

/** After so long, in ms, whoever was to let a listener go live has ended half-way: a function has half a minute. */
export const CATCH_UP_BOUND_MS = 40_000;

/** Whether nobody is left who will let it go live. */
export const isAbandoned = ({ isLive, since }: Pick<Listener, "isLive" | "since">): boolean =>
  !isLive && Date.now() - since > CATCH_UP_BOUND_MS;

/** Most streams that are noted on the row of a listener that is catching up: a row must stay small. */
const MAXIMUM_PASSED_BY = 500;

/** How long a listener that is catching up is waited for, and between two looks at it, in ms. */
const WAIT_MS = 500;
const WAIT_STEP_MS = 20;

const listenerSchema = z.object({
  [edgeTable.sortKey]: z.string(),
  connectedAt: z.number(),
  isLive: z.boolean().default(false),
  skips: z.number(),
  passedBy: z.set(z.string()).optional(),
  hasPassedMore: z.boolean().default(false),
  attempt: z.string(),
  // Without it: of a version before, which wrote down a time in place of a position. It is ended aloud.
  since: z.number().default(0),
  validUntil: z.number().optional(),
  ...startFieldsSchema.shape,
});

function keyOf(connectionId: string, stream: Topic): RowKey {
  const shard = shardOf(connectionId, shardsOf(stream.channel));
  return { partition: roomPartition(roomName(stream), shard), sort: connectionId };
}

function toListener(row: unknown, stream: Topic): Listener[] {
  const parsed = listenerSchema.safeParse(row);
  if (!parsed.success) return [];
  const { sk: id, connectedAt, passedBy = [], hasPassedMore, ...fields } = parsed.data;
  const { isLive, skips, attempt, since, validUntil, ...start } = fields;
  const keys = hasPassedMore ? undefined : [...passedBy];
  const connection = { id, connectedAt };
  return [{ connection, stream, isLive, start, skips, passedBy: keys, attempt, since, validUntil }];
}

/** What begins a listener's life. */
export interface NewListener {
  readonly connection: ConnectionKey;
  readonly attempt: string;
  readonly validUntil?: number | undefined;
}

/** The `SET` of a row that goes live from a start on, on one more condition. */
function toLive({ attempt }: Pick<Listener, "attempt">, start: StartFields, condition: string): Change {
  const values = { isLive: true, ...startValues(start) };
  const names = Object.keys(values);
  return {
    UpdateExpression: `SET ${names.map((name) => `${name} = :${name}`).join(", ")} REMOVE passedBy, hasPassedMore`,
    ConditionExpression: `attempt = :attempt${condition}`,
    ExpressionAttributeValues: {
      ":attempt": attempt,
      ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
    },
  };
}

/**
 * The rooms' side of the table. A listener is first catching up: fan-outs pass it by, but count that they did, and it
 * goes live only on the condition that it has read the stream after the last of them. So nothing reaches a connection
 * twice, out of order or not at all, however subscribing and publishing fall together.
 */
export class Listeners {
  readonly #table: Table;
  /** Those that are waited for, by connection and room: the fan-outs of a channel's streams wait for the same ones. */
  readonly #waits = new Map<string, Promise<Listener | undefined>>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** The listeners of a room (of one shard of it, where given), a page at a time. */
  async *pages(stream: Topic, shard: number): AsyncIterable<readonly Listener[]> {
    for await (const page of this.#table.pages(roomPartition(roomName(stream), shard))) {
      yield page.flatMap((row) => toListener(row, stream));
    }
  }

  /** Lets a connection into rooms, catching up. Where it is there already it starts again. */
  async add(streams: readonly Topic[], { connection, attempt, validUntil }: NewListener): Promise<void> {
    const { id, connectedAt } = connection;
    const end = validUntil === undefined ? {} : { validUntil };
    const since = Date.now();
    await this.#table.putAll(
      streams.map((stream) => ({
        ...keyOf(id, stream),
        values: { connectedAt, skips: 0, attempt, since, ...end },
        expiresAt: rowExpiry(connectedAt),
      })),
    );
  }

  /**
   * Passes by one that is catching up, and says so on its row, with the stream that did so where the room has several.
   * False where it no longer is catching up: look at it again.
   */
  async skip({ connection, stream, attempt }: Listener, { key }: Stream): Promise<boolean> {
    const row = keyOf(connection.id, stream);
    const condition = "attempt = :attempt AND attribute_not_exists(isLive)";
    const values = { ":one": 1, ":attempt": attempt };
    if (key === undefined || stream.key !== undefined) {
      const change = { UpdateExpression: "ADD skips :one", ConditionExpression: condition };
      return this.#table.change(row, { ...change, ExpressionAttributeValues: values });
    }
    const isNoted = await this.#table.change(row, {
      UpdateExpression: "ADD skips :one, passedBy :keys",
      ConditionExpression: `${condition} AND (attribute_not_exists(passedBy) OR size(passedBy) < :maximum)`,
      ExpressionAttributeValues: { ...values, ":keys": new Set([key]), ":maximum": MAXIMUM_PASSED_BY },
    });
    if (isNoted) return true;
    return this.#table.change(row, {
      UpdateExpression: "SET hasPassedMore = :more ADD skips :one",
      ConditionExpression: condition,
      ExpressionAttributeValues: { ...values, ":more": true },
    });
  }

  /**
   * Ends the catching up; false where a fan-out has passed by since `skips` was read, or where another `subscribe` has
   * taken over. May be called again where it is not known what became of it.
   */
  goLive(listener: Listener, start: StartFields): Promise<boolean> {
    const change = toLive(listener, start, " AND skips = :skips");
    const values = { ...change.ExpressionAttributeValues, ":skips": listener.skips };
    return this.#change(listener, { ...change, ExpressionAttributeValues: values });
  }

  /** Ends the catching up, whatever passed by; what that was shows by `prev`. False where another one has taken over. */
  forceLive(listener: Pick<Listener, "connection" | "stream" | "attempt">, start: StartFields): Promise<boolean> {
    return this.#change(listener, toLive(listener, start, ""));
  }

  #change({ connection, stream }: Pick<Listener, "connection" | "stream">, change: Change): Promise<boolean> {
    return this.#table.change(keyOf(connection.id, stream), change);
  }

  /** Gives a connection's private rooms until a new end. */
  async renew({ id, connectedAt }: ConnectionKey, streams: readonly Topic[], validUntil: number): Promise<void> {
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
  async find(connectionId: string, stream: Topic): Promise<Listener | undefined> {
    return toListener(await this.#table.get(keyOf(connectionId, stream)), stream)[0];
  }

  /** Resolves with a listener as it is once it has gone live, or after a while. */
  async waitFor({ connection, stream }: Listener): Promise<Listener | undefined> {
    const name = `${connection.id} ${roomName(stream)}`;
    const wait = this.#waits.get(name) ?? this.#untilLive(connection, stream).finally(() => this.#waits.delete(name));
    this.#waits.set(name, wait);
    return wait;
  }

  async #untilLive({ id }: ConnectionKey, stream: Topic): Promise<Listener | undefined> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      await delay(WAIT_STEP_MS);
      const listener = await this.find(id, stream);
      if (!listener || listener.isLive || performance.now() > deadline) return listener;
    }
  }

  async remove(connectionId: string, streams: readonly Topic[]): Promise<void> {
    await this.#table.deleteAll(streams.map((stream) => keyOf(connectionId, stream)));
  }
}
