import type { Cluster, Redis } from "ioredis";
import * as z from "zod";
import { ENTRY_ID } from "../../contract/ids.ts";
import { isRecord } from "../../contract/is-record.ts";
import type { RowValue } from "../../contract/state/state-change.ts";
import type { StateFormat } from "../../contract/state/state-format.ts";
import { stateFormat } from "../../contract/state/state-formats.ts";
import { rowChecksum, type VerifiedState } from "../../contract/state/verified-state.ts";
import type { Stream } from "../../contract/stream.ts";
import { describeStream } from "./publish-outcome.ts";
import { stateKey } from "./redis-keys.ts";

/** The value of a state channel's stream as Redis holds it, with the id of the entry that it has come with. */
export interface StoredState extends VerifiedState {
  readonly id: string;
}

/**
 * The value that Redis holds is not the one that was published: rows are missing, changed, or of another type. The next
 * whole value replaces it.
 */
export class DamagedStateError extends Error {
  override readonly name = "DamagedStateError";

  constructor(stream: Stream, reason: string) {
    super(
      `${describeStream(stream)}: the value in Redis (${stateKey(stream)}) is damaged: ${reason}; publish the whole value`,
    );
  }
}

const fieldsSchema = z.object({
  "!id": z.string().regex(ENTRY_ID),
  "!sum": z.string().regex(/^\d{1,10}$/),
  "!head": z.string(),
});

function parseHead(text: string): Record<string, unknown> | undefined {
  try {
    const head: unknown = JSON.parse(text);
    return isRecord(head) ? head : undefined;
  } catch {
    return undefined;
  }
}

/** Returns a row as it is stored, or undefined where it is not what was written. */
function parseRow(format: StateFormat<object>, key: string, text: string): RowValue | undefined {
  const separator = text.indexOf(":");
  try {
    const row: unknown = JSON.parse(text.slice(separator + 1));
    const isIntact =
      format.isKey(key) && format.isRow(row) && rowChecksum(key, row) === Number(text.slice(0, separator));
    return isIntact ? (row as RowValue) : undefined;
  } catch {
    return undefined;
  }
}

/** @throws DamagedStateError where the rows do not have the sum, or a field is missing or not what was written. */
export function parseStoredState(stream: Stream, hash: Readonly<Record<string, string>>): StoredState | undefined {
  const format = stateFormat(stream.channel);
  if (!format || Object.keys(hash).length === 0) return undefined;
  const fields = fieldsSchema.safeParse(hash);
  const head = fields.success ? parseHead(fields.data["!head"]) : undefined;
  if (!fields.success || !head) throw new DamagedStateError(stream, "its head, sum or id is missing");
  const rows: Record<string, RowValue> = {};
  let sum = 0;
  for (const [key, text] of Object.entries(hash)) {
    if (key.startsWith("!")) continue;
    const row = parseRow(format, key, text);
    if (row === undefined) throw new DamagedStateError(stream, `row ${JSON.stringify(key)} does not have its checksum`);
    rows[key] = row;
    sum += rowChecksum(key, row);
  }
  const expected = Number(fields.data["!sum"]);
  if (sum % 2 ** 32 !== expected) throw new DamagedStateError(stream, "a row is missing, or is there without a sum");
  return { value: format.apply(format.empty(stream.key), { head, rows }), sum: expected, id: fields.data["!id"] };
}

/**
 * Resolves with the value of a stream; undefined where there is none.
 *
 * @throws DamagedStateError where it is not the one that was published; else Redis's error.
 */
export async function readState(redis: Redis | Cluster, stream: Stream): Promise<StoredState | undefined> {
  let hash: Record<string, string>;
  try {
    hash = await redis.hgetall(stateKey(stream));
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("WRONGTYPE")) {
      throw new DamagedStateError(stream, "the key is not a hash");
    }
    throw error;
  }
  return parseStoredState(stream, hash);
}
