import { crc32 } from "./crc32.ts";
import type { RowValue, StateChange } from "./state-change.ts";
import type { StateFormat } from "./state-format.ts";

/** A value of a state channel with the sum that proves it. */
export interface VerifiedState<P extends object = object> {
  readonly value: P;
  /** The sum of the rows' checksums, modulo 2^32. */
  readonly sum: number;
}

/** Returns the checksum of one row: the CRC-32 of `<key>=<value as JSON>` in UTF-8. */
export const rowChecksum = (key: string, row: RowValue, json = JSON.stringify(row)): number => crc32(`${key}=${json}`);

/** Returns the sum of all rows of a value. */
export function sumOf<P extends object>(format: StateFormat<P>, value: P): number {
  let sum = 0;
  format.forEachRow(value, (key, row) => {
    sum += rowChecksum(key, row);
  });
  return sum % 2 ** 32;
}

/** Returns the sum of a value after some rows of it have changed. */
export function sumAfter<P extends object>(
  format: StateFormat<P>,
  { value, sum }: VerifiedState<P>,
  rows: StateChange["rows"],
): number {
  let after = sum;
  for (const key of Object.keys(rows)) {
    const before = format.row(value, key);
    const row = rows[key] ?? null;
    if (before !== undefined) after -= rowChecksum(key, before);
    if (row !== null) after += rowChecksum(key, row);
  }
  return ((after % 2 ** 32) + 2 ** 32) % 2 ** 32;
}

/** Returns true where every row of a change has a key and a value that rows may have. */
export const areRows = <P extends object>(format: StateFormat<P>, rows: StateChange["rows"]): boolean =>
  Object.entries(rows).every(([key, row]) => format.isKey(key) && (row === null || format.isRow(row)));

/** Applies a change, whatever its sum is. Returns undefined where a row is not valid. */
export function applyUnverified<P extends object>(
  format: StateFormat<P>,
  state: VerifiedState<P>,
  change: StateChange,
): VerifiedState<P> | undefined {
  if (!areRows(format, change.rows)) return undefined;
  return { value: format.apply(state.value, change), sum: sumAfter(format, state, change.rows) };
}

/**
 * Applies a change and proves the result. Returns undefined where a row is not valid or the sum is not the publisher's: then
 * this value is not the one that the change was made for.
 */
export function applyVerified<P extends object>(
  format: StateFormat<P>,
  state: VerifiedState<P>,
  change: StateChange,
  sum: number,
): VerifiedState<P> | undefined {
  const next = applyUnverified(format, state, change);
  return next?.sum === sum ? next : undefined;
}
