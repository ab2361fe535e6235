import type { RowValue, StateChange } from "../../../contract/state/state-change.ts";
import type { StateFormat } from "../../../contract/state/state-format.ts";
import { rowsPutBack } from "./touches-view.ts";

/**
 * Returns a change that makes the best `depth` rows a side of the value before `rows` changed those of `value`. Which rows
 * were there before is not known, so it may name more than differ: rows that may have been pushed out, and rows that may have moved up.
 * Undefined for a format without depth, and where a key is not valid.
 */
export function changesOfView<P extends object>(
  format: StateFormat<P>,
  { value, depth }: { readonly value: P; readonly depth: number },
  { rows }: StateChange,
): StateChange | undefined {
  const { limit } = format;
  const keys = Object.keys(rows);
  if (!limit || !keys.every((key) => format.isKey(key))) return undefined;
  const gone = keys.filter((key) => rows[key] === null);
  const view = limit(value, depth);
  // Each row that is gone lets one move up, and each that was set pushes one down at most.
  const stayed = limit(value, Math.max(0, depth - gone.length));
  const before = limit(rowsPutBack(format, value, gone), depth + keys.length - gone.length);
  const changed: Record<string, RowValue | null> = {};
  format.forEachRow(before, (key) => {
    if (format.row(view, key) === undefined) changed[key] = null;
  });
  format.forEachRow(view, (key, row) => {
    if (Object.hasOwn(rows, key) || format.row(stayed, key) === undefined) changed[key] = row;
  });
  return { head: format.head(view), rows: changed };
}
