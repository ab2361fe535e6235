import type { RowValue, StateChange } from "./state-change.ts";

export type Rows = StateChange["rows"];

/**
 * Divides the values of a state channel into a head and keyed rows, and puts them together again. All functions are pure:
 * values are in canonical form and are never changed, and a new value shares with the one before it what is equal.
 */
export interface StateFormat<P extends object> {
  /** Returns the value without rows of a stream. */
  empty(key: string | undefined): P;
  /** Returns the fields beside the rows. */
  head(value: P): Record<string, unknown>;
  /** Returns the number of rows. */
  count(value: P): number;
  /** Most bytes that a row has as part of a value in JSON beside those of its key and its value. */
  readonly rowOverheadBytes: number;
  /** Longest that one row may be as part of a value in JSON, in bytes. */
  readonly maximumRowBytes: number;
  /** Calls `visit` with each row. */
  forEachRow(value: P, visit: (key: string, row: RowValue) => void): void;
  /** Returns a row; undefined where the value has none of that key. */
  row(value: P, key: string): RowValue | undefined;
  /** Returns true for a key that a row may have. */
  isKey(key: string): boolean;
  /** Returns true for a value that a row may have. */
  isRow(row: unknown): row is RowValue;
  /** Returns the value with another head and other rows. All rows must be valid. */
  apply(value: P, change: StateChange): P;
  /** Returns the rows that differ. */
  difference(before: P, after: P): Rows;
  /** Returns the value with its best `depth` rows a side; undefined on a format without depth. */
  readonly limit: ((value: P, depth: number) => P) | undefined;
}
