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
import type { StateView } from "../../../kernel/protocol/state-recovery.ts";
import type { ConnectionKey } from "./room-subscriber.ts";
import type { RoomSubscribers } from "./room-subscribers.ts";
import type { Row, Table } from "./table.ts";
import { viewFieldSchema, viewValues } from "./view-field.ts";

/** One topic that a connection is subscribed to, or is catching up with. */
export interface Subscription {
  readonly topic: Topic;
  /** True once it is known to be live. Where it is false, the subscriber's row in the room decides. */
  readonly isLive: boolean;
  /** The time of the `subscribe`, in ms since 1970. */
  readonly since: number;
  /** The newest id that the client got with its `subscribe`, before the fan-out took over. */
  readonly newestStart?: string | undefined;
  /** How it gets a state channel. */
  readonly view: StateView;
}

/** A connection and its subscriptions. */
export interface ConnectionState extends ConnectionKey {
  /** The user; undefined on an anonymous connection and where the token has expired. */
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
  ...viewFieldSchema.shape,
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
    const { channel, key, stateView: view = {}, ...fields } = parsed.data;
    const topic = { channel, key };
    return [[roomName(topic), { topic, view, ...fields }]];
  });
  const identity = sub === undefined ? undefined : { sub, expiresAt: tokenExpiresAt };
  return { id, connectedAt, identity, subscriptions: new Map(subscriptions) };
}

/** The rows of connections: their users and their subscriptions. */
export class Connections {
  readonly #table: Table;
  readonly #subscribers: RoomSubscribers;

  constructor(table: Table, subscribers: RoomSubscribers) {
    this.#table = table;
    this.#subscribers = subscribers;
  }

  /** Saves a connection, unless a newer one of that id is there. */
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

  /** Resolves with a connection and its subscriptions; undefined where it has ended. */
  async find(id: string): Promise<ConnectionState | undefined> {
    const rows: Row[] = [];
    for await (const page of this.#table.pages(connectionPartition(id))) rows.push(...page);
    return toState(id, rows);
  }

  /** Sets or, with undefined, removes a connection's user. Does nothing where the connection has ended. */
  async setIdentity({ id, connectedAt }: ConnectionKey, identity: Identity | undefined): Promise<void> {
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
   * Saves subscriptions of a connection. Call it before its rows in the rooms are written, so that these can be found, and
   * again with `isLive` once they are live.
   */
  async saveSubscriptions(
    { id, connectedAt }: ConnectionKey,
    subscriptions: readonly Pick<Subscription, "topic" | "isLive" | "newestStart" | "view">[],
  ): Promise<void> {
    const since = Date.now();
    await this.#table.putAll(
      subscriptions.map(({ topic, isLive, newestStart, view }) => ({
        partition: connectionPartition(id),
        sort: subscriptionRow(roomName(topic)),
        values: {
          ...topic,
          connectedAt,
          isLive,
          since,
          ...(newestStart === undefined ? {} : { newestStart }),
          ...viewValues(view),
        },
        expiresAt: rowExpiry(connectedAt),
      })),
    );
  }

  /** Ends subscriptions. */
  async leave({ id }: ConnectionKey, topics: readonly Topic[]): Promise<void> {
    await this.#subscribers.remove(id, topics);
    await this.#table.deleteAll(
      topics.map((topic) => ({ partition: connectionPartition(id), sort: subscriptionRow(roomName(topic)) })),
    );
  }

  /** Removes a connection that has ended, with all its rows. Leaves a newer one of that id alone. */
  async remove(connection: ConnectionKey): Promise<void> {
    const { id, connectedAt } = connection;
    const state = await this.find(id);
    if (!state || state.connectedAt > connectedAt) return;
    await this.leave(
      connection,
      [...state.subscriptions.values()].map(({ topic }) => topic),
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
