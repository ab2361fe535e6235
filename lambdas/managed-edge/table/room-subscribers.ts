import { setTimeout as delay } from "node:timers/promises";
import { roomName, type Stream, type Topic } from "../../../contract/stream.ts";
import { roomPartition, rowExpiry } from "../../../kernel/managed-edge/edge-table.ts";
import type { StateView } from "../../../kernel/protocol/state-recovery.ts";
import type { ConnectionKey, RoomSubscriber } from "./room-subscriber.ts";
import type { StartFields } from "./start-fields.ts";
import { parseSubscriber, subscriberKey, toLive } from "./subscriber-row.ts";
import type { Change, Table } from "./table.ts";
import { viewValues } from "./view-field.ts";

/**
 * A subscriber that has been catching up for this long, in ms, will not go live: the function that was to let it go live
 * has ended, since a function runs for half a minute at most.
 */
export const CATCH_UP_BOUND_MS = 40_000;

/** True where the function that was to let a subscriber go live has ended without doing so. */
export const isAbandoned = ({ isLive, since }: Pick<RoomSubscriber, "isLive" | "since">): boolean =>
  !isLive && Date.now() - since > CATCH_UP_BOUND_MS;

/** Most keys that are kept on the row of a subscriber that is catching up: a row must stay small. */
const MAXIMUM_SKIPPED_KEYS = 500;

/** Longest wait for a subscriber to go live, and the pause between two looks at it, in ms. */
const WAIT_MS = 500;
const WAIT_STEP_MS = 20;

/** The `subscribe` that adds subscribers. */
export interface NewSubscriber {
  readonly connection: ConnectionKey;
  readonly attempt: string;
  readonly validUntil?: number | undefined;
  readonly view: StateView;
}

/**
 * The rows of rooms. A subscriber is first catching up: fan-outs skip it, but count on its row that they did, and it goes
 * live only on the condition that it has read the stream after the last of them. So nothing reaches a connection twice,
 * out of order or not at all, however subscribing and publishing interleave.
 */
export class RoomSubscribers {
  readonly #table: Table;
  /** By connection and room. Shared: the fan-outs of a channel's streams wait for the same subscribers. */
  readonly #waits = new Map<string, Promise<RoomSubscriber | undefined>>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** Yields the subscribers of one shard of a topic's room, a page at a time. */
  async *pages(topic: Topic, shard: number): AsyncIterable<readonly RoomSubscriber[]> {
    for await (const page of this.#table.pages(roomPartition(roomName(topic), shard))) {
      yield page.flatMap((row) => parseSubscriber(row, topic) ?? []);
    }
  }

  /** Adds a connection to rooms, catching up. Where it is in a room already it starts again. */
  async add(topics: readonly Topic[], { connection, attempt, validUntil, view }: NewSubscriber): Promise<void> {
    const { id, connectedAt } = connection;
    const end = validUntil === undefined ? {} : { validUntil };
    const since = Date.now();
    await this.#table.putAll(
      topics.map((topic) => ({
        ...subscriberKey(id, topic),
        values: { connectedAt, skippedFanOuts: 0, attempt, since, ...end, ...viewValues(view) },
        expiresAt: rowExpiry(connectedAt),
      })),
    );
  }

  /**
   * Skips a subscriber that is catching up, and records that on its row, with the stream's key where the room has several
   * streams. Resolves with false where it is no longer catching up: look at it again.
   */
  async skip({ connection, topic, attempt }: RoomSubscriber, { key }: Stream): Promise<boolean> {
    const row = subscriberKey(connection.id, topic);
    const condition = "attempt = :attempt AND attribute_not_exists(isLive)";
    const values = { ":one": 1, ":attempt": attempt };
    if (key === undefined || topic.key !== undefined) {
      const change = { UpdateExpression: "ADD skippedFanOuts :one", ConditionExpression: condition };
      return this.#table.change(row, { ...change, ExpressionAttributeValues: values });
    }
    const isRecorded = await this.#table.change(row, {
      UpdateExpression: "ADD skippedFanOuts :one, skippedKeys :keys",
      ConditionExpression: `${condition} AND (attribute_not_exists(skippedKeys) OR size(skippedKeys) < :maximum)`,
      ExpressionAttributeValues: { ...values, ":keys": new Set([key]), ":maximum": MAXIMUM_SKIPPED_KEYS },
    });
    if (isRecorded) return true;
    return this.#table.change(row, {
      UpdateExpression: "SET hasSkippedMore = :more ADD skippedFanOuts :one",
      ConditionExpression: condition,
      ExpressionAttributeValues: { ...values, ":more": true },
    });
  }

  /**
   * Makes a subscriber live. Resolves with false where a fan-out has skipped it since `skippedFanOuts` was read, or where
   * another `subscribe` has taken over. Safe to call again where the outcome is unknown.
   */
  goLive(subscriber: RoomSubscriber, start: StartFields): Promise<boolean> {
    const change = toLive(subscriber, start, " AND skippedFanOuts = :skippedFanOuts");
    const values = { ...change.ExpressionAttributeValues, ":skippedFanOuts": subscriber.skippedFanOuts };
    return this.#change(subscriber, { ...change, ExpressionAttributeValues: values });
  }

  /**
   * Makes a subscriber live although fan-outs have skipped it; `prev` shows what it missed. Resolves with false where
   * another `subscribe` has taken over.
   */
  forceLive(
    subscriber: Pick<RoomSubscriber, "connection" | "topic" | "attempt" | "view">,
    start: StartFields,
  ): Promise<boolean> {
    return this.#change(subscriber, toLive(subscriber, start, ""));
  }

  #change({ connection, topic }: Pick<RoomSubscriber, "connection" | "topic">, change: Change): Promise<boolean> {
    return this.#table.change(subscriberKey(connection.id, topic), change);
  }

  /** Extends a connection's private subscriptions to the end of its new token. */
  async renew({ id, connectedAt }: ConnectionKey, topics: readonly Topic[], validUntil: number): Promise<void> {
    const renewing = topics.map((topic) =>
      this.#table.change(subscriberKey(id, topic), {
        UpdateExpression: "SET validUntil = :validUntil",
        ConditionExpression: "connectedAt = :connectedAt",
        ExpressionAttributeValues: { ":validUntil": validUntil, ":connectedAt": connectedAt },
      }),
    );
    await Promise.all(renewing);
  }

  /** Resolves with a connection's state in a room; undefined where it is not there. */
  async find(connectionId: string, topic: Topic): Promise<RoomSubscriber | undefined> {
    return parseSubscriber(await this.#table.get(subscriberKey(connectionId, topic)), topic);
  }

  /** Resolves with a subscriber's state once it has gone live or was removed, or after half a second. */
  async waitFor({ connection, topic }: RoomSubscriber): Promise<RoomSubscriber | undefined> {
    const name = `${connection.id} ${roomName(topic)}`;
    const wait = this.#waits.get(name) ?? this.#untilLive(connection, topic).finally(() => this.#waits.delete(name));
    this.#waits.set(name, wait);
    return wait;
  }

  async #untilLive({ id }: ConnectionKey, topic: Topic): Promise<RoomSubscriber | undefined> {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      await delay(WAIT_STEP_MS);
      const subscriber = await this.find(id, topic);
      if (!subscriber || subscriber.isLive || performance.now() > deadline) return subscriber;
    }
  }

  async remove(connectionId: string, topics: readonly Topic[]): Promise<void> {
    await this.#table.deleteAll(topics.map((topic) => subscriberKey(connectionId, topic)));
  }
}
