import * as z from "zod";
import { compareIds, roomName } from "../../../contract/stream.ts";
import { rowExpiry, startPartition, startRow } from "../../../kernel/managed-edge/edge-table.ts";
import { laterId } from "../streams/cursor.ts";
import type { Listener } from "./room-subscriber.ts";
import type { StartFields } from "./start-fields.ts";
import type { Table } from "./table.ts";

/** Longest text of positions on the listener's own row, in bytes: every fan-out of the room reads that row. */
const MAXIMUM_INLINE_BYTES = 512;

/** Longest text in a row of its own, in bytes: DynamoDB takes 400 KB. */
const MAXIMUM_ROW_BYTES = 350_000;

/** Positions kept in memory at the most, of however many listeners; some 200 bytes each. */
const MAXIMUM_CACHED = 300_000;

const pairsSchema = z.array(z.tuple([z.string(), z.string()]));

type Pairs = z.infer<typeof pairsSchema>;

const rowSchema = z.object({ attempt: z.string(), ids: z.string() });

/** Pairs, not an object: a market may be called `__proto__`. */
const decode = (text: string): ReadonlyMap<string, string> => new Map(pairsSchema.parse(JSON.parse(text)));

/** Texts of at most `MAXIMUM_ROW_BYTES` each. */
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
 * What listeners of whole channels had of streams as they went live, where the fan-out's cursor was elsewhere: there
 * messages were on their way that such a listener has already, or somebody else has not. Of all other streams it has
 * what is up to the cursor.
 */
export class StartPositions {
  readonly #table: Table;
  /** By listener and attempt, of which the positions never change. */
  readonly #cache = new Map<string, ReadonlyMap<string, string>>();
  #cached = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** Writes down a listener's positions by key. Resolves with what its row needs so that they are found. */
  async save(
    { connection, stream, attempt }: Pick<Listener, "connection" | "stream" | "attempt">,
    ids: ReadonlyMap<string, string>,
  ): Promise<StartFields> {
    const texts = encode(ids);
    const [first] = texts;
    if (first === undefined) return {};
    const newestStart = [...ids.values()].reduce(laterId);
    if (texts.length === 1 && Buffer.byteLength(first) <= MAXIMUM_INLINE_BYTES) return { startIds: first, newestStart };
    await this.#table.putAll(
      texts.map((text, number) => ({
        partition: startPartition(roomName(stream)),
        sort: startRow(connection.id, number),
        values: { attempt, ids: text },
        expiresAt: rowExpiry(connection.connectedAt),
      })),
    );
    return { startRows: texts.length, newestStart };
  }

  /**
   * Up to which id a live listener had a stream as it went live; undefined where that is where the cursor is.
   *
   * @param key of the stream.
   * @param cursor where the fan-out is.
   */
  async find(listener: Listener, key: string | undefined, cursor: string | undefined): Promise<string | undefined> {
    const { startId, startIds, startRows, newestStart } = listener.start;
    if (startId !== undefined) return startId;
    if (key === undefined || newestStart === undefined) return undefined;
    if (cursor !== undefined && compareIds(newestStart, cursor) <= 0) return undefined;
    if (startIds !== undefined) return decode(startIds).get(key);
    return startRows === undefined ? undefined : (await this.#rows(listener, startRows)).get(key);
  }

  async #rows(listener: Listener, count: number): Promise<ReadonlyMap<string, string>> {
    const { connection, stream, attempt } = listener;
    const name = `${connection.id} ${attempt} ${roomName(stream)}`;
    const known = this.#cache.get(name);
    if (known) return known;
    const numbers = Array.from({ length: count }, (_, number) => number);
    const pages = await Promise.all(numbers.map((number) => this.#row(listener, number)));
    const ids = new Map(pages.flatMap((page) => [...page]));
    this.#keep(name, ids);
    return ids;
  }

  /** Empty where a later attempt has written over it: then the listener that was asked for is no longer there. */
  async #row({ connection, stream, attempt }: Listener, number: number): Promise<ReadonlyMap<string, string>> {
    const key = { partition: startPartition(roomName(stream)), sort: startRow(connection.id, number) };
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
