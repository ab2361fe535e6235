import * as z from "zod";
import { compareIds, laterId } from "../../../contract/ids.ts";
import { roomName } from "../../../contract/stream.ts";
import { rowExpiry, startPartition, startRow } from "../../../kernel/managed-edge/edge-table.ts";
import type { RoomSubscriber } from "./room-subscriber.ts";
import type { StartFields } from "./start-fields.ts";
import type { Table } from "./table.ts";

/** Longest text of positions on the subscriber's own row, in bytes: every fan-out of the room reads that row. */
const MAXIMUM_INLINE_BYTES = 512;

/** Longest text in a row of its own, in bytes: DynamoDB takes 400 KB. */
const MAXIMUM_ROW_BYTES = 350_000;

/** Most positions kept in memory, of all subscribers together; some 200 bytes each. */
const MAXIMUM_CACHED = 300_000;

const pairsSchema = z.array(z.tuple([z.string(), z.string()]));

type Pairs = z.infer<typeof pairsSchema>;

const rowSchema = z.object({ attempt: z.string(), ids: z.string() });

/** Pairs, not an object: a market may be called `__proto__`. */
const decode = (text: string): ReadonlyMap<string, string> => new Map(pairsSchema.parse(JSON.parse(text)));

/** Encodes ids by key as texts of at most `MAXIMUM_ROW_BYTES` each. */
function encode(ids: ReadonlyMap<string, string>): string[] {
  const texts: string[] = [];
  let pairs: Pairs = [];
  let size = 0;
  for (const pair of ids) {
    const length = Buffer.byteLength(JSON.stringify(pair)) + 1;
    if (size + length > MAXIMUM_ROW_BYTES) {
      texts.push(JSON.stringify(pairs));
      pairs = [];
      size = 0;
    }
    pairs.push([...pair]);
    size += length;
  }
  return pairs.length > 0 ? [...texts, JSON.stringify(pairs)] : texts;
}

/**
 * The positions of subscribers of whole channels as they went live, in the streams whose fan-out's cursor was at another
 * id: messages of these were in the queue that the subscriber had already, or that another one did not have. In every
 * other stream a subscriber has what the cursor has.
 */
export class StartPositions {
  readonly #table: Table;
  /** By subscriber and attempt: the positions of an attempt never change. */
  readonly #cache = new Map<string, ReadonlyMap<string, string>>();
  #cached = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Saves a subscriber's positions by key. Resolves with the fields that its row needs for them to be found. */
  async save(
    { connection, topic, attempt }: Pick<RoomSubscriber, "connection" | "topic" | "attempt">,
    ids: ReadonlyMap<string, string>,
  ): Promise<StartFields> {
    const texts = encode(ids);
    const [first] = texts;
    if (first === undefined) return {};
    const newestStart = [...ids.values()].reduce(laterId);
    if (texts.length === 1 && Buffer.byteLength(first) <= MAXIMUM_INLINE_BYTES) return { startIds: first, newestStart };
    await this.#table.putAll(
      texts.map((text, number) => ({
        partition: startPartition(roomName(topic)),
        sort: startRow(connection.id, number),
        values: { attempt, ids: text },
        expiresAt: rowExpiry(connection.connectedAt),
      })),
    );
    return { startRows: texts.length, newestStart };
  }

  /**
   * Resolves with the id up to which a live subscriber had a stream as it went live; undefined where that is the cursor.
   *
   * @param key of the stream.
   * @param cursor up to which id the fan-out has delivered the stream.
   */
  async find(
    subscriber: RoomSubscriber,
    key: string | undefined,
    cursor: string | undefined,
  ): Promise<string | undefined> {
    const { startId, startIds, startRows, newestStart } = subscriber.start;
    if (startId !== undefined) return startId;
    if (key === undefined || newestStart === undefined) return undefined;
    if (cursor !== undefined && compareIds(newestStart, cursor) <= 0) return undefined;
    if (startIds !== undefined) return decode(startIds).get(key);
    return startRows === undefined ? undefined : (await this.#rows(subscriber, startRows)).get(key);
  }

  async #rows(subscriber: RoomSubscriber, count: number): Promise<ReadonlyMap<string, string>> {
    const { connection, topic, attempt } = subscriber;
    const name = `${connection.id} ${attempt} ${roomName(topic)}`;
    const known = this.#cache.get(name);
    if (known) return known;
    const numbers = Array.from({ length: count }, (_, number) => number);
    const pages = await Promise.all(numbers.map((number) => this.#row(subscriber, number)));
    const ids = new Map(pages.flatMap((page) => [...page]));
    this.#keep(name, ids);
    return ids;
  }

  /** Empty where a later attempt has overwritten the row: then the subscriber that was asked for is no longer there. */
  async #row({ connection, topic, attempt }: RoomSubscriber, number: number): Promise<ReadonlyMap<string, string>> {
    const key = { partition: startPartition(roomName(topic)), sort: startRow(connection.id, number) };
    const parsed = rowSchema.safeParse(await this.#table.get(key));
    return parsed.success && parsed.data.attempt === attempt ? decode(parsed.data.ids) : new Map();
  }

  #keep(name: string, ids: ReadonlyMap<string, string>): void {
    if (this.#cache.has(name)) return;
    this.#cache.set(name, ids);
    this.#cached += ids.size;
    for (const [oldest, { size }] of this.#cache) {
      if (this.#cached <= MAXIMUM_CACHED || oldest === name) return;
      this.#cache.delete(oldest);
      this.#cached -= size;
    }
  }
}
