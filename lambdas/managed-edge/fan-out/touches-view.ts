import type { StateChange } from "../../../contract/state/state-change.ts";
import type { StateFormat } from "../../../contract/state/state-format.ts";

/** The value of a row that is put back to find where it was: every format with a depth takes it. */
const ANY_ROW = "1";

/** Returns a value with rows that are gone, in their places. */
export const rowsPutBack = <P extends object>(format: StateFormat<P>, value: P, gone: readonly string[]): P =>
  format.apply(value, { head: format.head(value), rows: Object.fromEntries(gone.map((key) => [key, ANY_ROW])) });

/**
 * Returns false where a change that led to a value cannot have changed its best `depth` rows a side: none of the rows that
 * were set is among them, and none of those that are gone would be.
 */
export function touchesView<P extends object>(
  format: StateFormat<P>,
  { value, depth }: { readonly value: P; readonly depth: number },
  { rows }: StateChange,
): boolean {
  const { limit } = format;
  const keys = Object.keys(rows);
  if (!limit || !keys.every((key) => format.isKey(key))) return true;
  const isInView = (some: readonly string[], of: P): boolean => {
    const view = limit(of, depth);
    return some.some((key) => format.row(view, key) !== undefined);
  };
  if (isInView(keys, value)) return true;
  const gone = keys.filter((key) => rows[key] === null);
  return gone.length > 0 && isInView(gone, rowsPutBack(format, value, gone));
}
