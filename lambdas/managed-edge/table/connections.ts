import * as z from "zod";
import { isChannel } from "../../../contract/channels.ts";
import { roomName, type Topic } from "../../../contract/stream.ts";
import type { Identity } from "../../../kernel/auth/token-verifier.ts";
import {
  CONNECTION_ROW,
  connectionPartition,
  edgeTable,
  rowExpiry,
  subscriptionRow,
} from "../../../kernel/managed-edge/edge-table.ts";
import type { ConnectionKey } from "./room-subscriber.ts";
import type { Listeners } from "./room-subscribers.ts";
import type { Row, Table } from "./table.ts";

/** One room that a connection listens to, or is about to. */
export interface Subscription {
  readonly stream: Topic;
  /** Whether it has gone live. False says only that nobody has written it down: the listener's row knows. */
  readonly isLive: boolean;
  /** When it was asked for, in ms since 1970. */
  readonly since: number;
  /** The newest id that the client has had since it went live by other ways than the fan-out. */
  readonly newestStart?: string | undefined;
}

/** A connection and all that it listens to. */
export interface ConnectionState extends ConnectionKey {
  /** Whose it is; undefined on an anonymous connection and where the token has expired. */
  readonly identity?: Identity | undefined;
  /** By room. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
}

const connectionSchema = z.object({
  connectedAt: z.number(),
  sub: z.string().optional(),
  tokenExpiresAt: z.number().optional(),
});

const subscriptionSchema = z.object({
  channel: z.string().refine(isChannel),
  key: z.string().optional(),
  isLive: z.boolean().default(false),
  since: z.number().default(0),
  newestStart: z.string().optional(),
});

const identityValues = (identity: Identity | undefined): Row =>
  identity ? { sub: identity.sub, tokenExpiresAt: identity.expiresAt } : {};

function toState(id: string, rows: readonly Row[]): ConnectionState | undefined {
  const connection = connectionSchema.safeParse(rows.find((row) => row[edgeTable.sortKey] === CONNECTION_ROW));
  if (!connection.success) return undefined;
  const { connectedAt, sub, tokenExpiresAt = 0 } = connection.data;
  const subscriptions = rows.flatMap((row): [string, Subscription][] => {
    const parsed = subscriptionSchema.safeParse(row);
    if (!parsed.success) return [];
    const { channel, key, ...fields } = parsed.data;
    const stream = { channel, key };
    return [[roomName(stream), { stream, ...fields }]];
  });
  const identity = sub === undefined ? undefined : { sub, expiresAt: tokenExpiresAt };
  return { id, connectedAt, identity, subscriptions: new Map(subscriptions) };
}

/** The connections' side of the table: who they are and what they listen to. */
export class Connections {
  readonly #table: Table;
  readonly #listeners: Listeners;

  constructor(table: Table, listeners: Listeners) {
    this.#table = table;
    this.#listeners = listeners;
  }

  /** Remembers a connection, unless a newer one of that id is there. */
  async add(connection: ConnectionKey, identity: Identity | undefined): Promise<void> {
    const { connectedAt } = connection;
    const row = {
      partition: connectionPartition(connection.id),
      sort: CONNECTION_ROW,
      values: { connectedAt, ...identityValues(identity) },
      expiresAt: rowExpiry(connectedAt),
    };
    await this.#table.put(row, {
      ConditionExpression: "attribute_not_exists(connectedAt) OR connectedAt <= :connectedAt",
      ExpressionAttributeValues: { ":connectedAt": connectedAt },
    });
  }

  /** A connection as it is now, or undefined where it has ended. */
  async find(id: string): Promise<ConnectionState | undefined> {
    const rows: Row[] = [];
    for await (const page of this.#table.pages(connectionPartition(id))) rows.push(...page);
    return toState(id, rows);
  }

  /** Makes a connection another user's, or anonymous. Does nothing where it has ended. */
  async identify({ id, connectedAt }: ConnectionKey, identity: Identity | undefined): Promise<void> {
    await this.#table.change(
      { partition: connectionPartition(id), sort: CONNECTION_ROW },
      identity
        ? {
            UpdateExpression: "SET #sub = :sub, tokenExpiresAt = :expiresAt",
            ConditionExpression: "connectedAt = :connectedAt",
            ExpressionAttributeNames: { "#sub": "sub" },
            ExpressionAttributeValues: {
              ":sub": identity.sub,
              ":expiresAt": identity.expiresAt,
              ":connectedAt": connectedAt,
            },
          }
        : {
            UpdateExpression: "REMOVE #sub, tokenExpiresAt",
            ConditionExpression: "connectedAt = :connectedAt",
            ExpressionAttributeNames: { "#sub": "sub" },
            ExpressionAttributeValues: { ":connectedAt": connectedAt },
          },
    );
  }

  /**
   * Writes down what a connection is about to listen to (before its listener rows, so that they can be found), or, with
   * `isLive`, that it does.
   */
  async note(
    { id, connectedAt }: ConnectionKey,
    subscriptions: readonly Pick<Subscription, "stream" | "isLive" | "newestStart">[],
  ): Promise<void> {
    const since = Date.now();
    await this.#table.putAll(
      subscriptions.map(({ stream, isLive, newestStart }) => ({
        partition: connectionPartition(id),
        sort: subscriptionRow(roomName(stream)),
        values: { ...stream, connectedAt, isLive, since, ...(newestStart === undefined ? {} : { newestStart }) },
        expiresAt: rowExpiry(connectedAt),
      })),
    );
  }

  /** Ends subscriptions. */
  async leave({ id }: ConnectionKey, streams: readonly Topic[]): Promise<void> {
    await this.#listeners.remove(id, streams);
    await this.#table.deleteAll(
      streams.map((stream) => ({ partition: connectionPartition(id), sort: subscriptionRow(roomName(stream)) })),
    );
  }

  /** Forgets a connection that has ended, and all its rows. Leaves a newer one of that id alone. */
  async remove(connection: ConnectionKey): Promise<void> {
    const { id, connectedAt } = connection;
    const state = await this.find(id);
    if (!state || state.connectedAt > connectedAt) return;
    await this.leave(
      connection,
      [...state.subscriptions.values()].map(({ stream }) => stream),
    );
    await this.#table.delete(
      { partition: connectionPartition(id), sort: CONNECTION_ROW },
      {
        ConditionExpression: "connectedAt <= :connectedAt",
        ExpressionAttributeValues: { ":connectedAt": connectedAt },
      },
    );
  }
}
