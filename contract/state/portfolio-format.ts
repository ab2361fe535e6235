import { compareText } from "../compare-text.ts";
import { isRecord } from "../is-record.ts";
import type { Portfolio } from "../payloads/user.ts";
import { positionKey } from "./position-rows.ts";
import { addDifference, findItem, type ListOrder, setItem } from "./sorted-list.ts";
import type { RowValue } from "./state-change.ts";
import type { Rows, StateFormat } from "./state-format.ts";

type Position = Portfolio["positions"][number];

const ROW_KEY = /^(yes|no):([^:]+):([^:]+)$/;

const rowValue = ({ marketId: _, exchange: __, outcome: ___, ...row }: Position): RowValue => row;

function toPosition(key: string, row: RowValue): Position {
  const [outcome = "", exchange = "", marketId = ""] = key.split(":");
  const identity = { marketId: decodeURIComponent(marketId), exchange: decodeURIComponent(exchange), outcome };
  return { ...identity, ...(row as object) } as Position;
}

const order: ListOrder<Position> = { keyOf: positionKey, compare: compareText };

/** Returns true for a percent-encoded text in its one canonical spelling. */
function isEncoded(text: string): boolean {
  try {
    return encodeURIComponent(decodeURIComponent(text)) === text;
  } catch {
    return false;
  }
}

/** Portfolios: a row is one position, and the head has the totals. */
export const portfolioFormat: StateFormat<Portfolio> = {
  empty: () => ({ positions: [], time: 0 }) as unknown as Portfolio,
  head({ positions: _, ...head }) {
    return head;
  },
  count: ({ positions }) => positions.length,
  // Two ids and a label of 128 characters of up to 4 bytes each, five decimals of 62, and the names.
  maximumRowBytes: 2_000,
  // `"marketId":"","exchange":"","outcome":"",` and a comma.
  rowOverheadBytes: 48,
  forEachRow({ positions }, visit) {
    for (const position of positions) visit(positionKey(position), rowValue(position));
  },
  row(value, key) {
    const position = findItem(value.positions, key, order);
    return position && rowValue(position);
  },
  isKey(key) {
    const [, , exchange = "", marketId = ""] = ROW_KEY.exec(key) ?? [];
    return exchange !== "" && isEncoded(exchange) && isEncoded(marketId);
  },
  isRow: (row): row is RowValue => isRecord(row),
  apply({ positions: before }, { head, rows }) {
    const keys = Object.keys(rows);
    const positions = keys.length === 0 ? before : [...before];
    for (const key of keys) {
      const row = rows[key] ?? null;
      setItem(positions as Position[], key, row === null ? undefined : toPosition(key, row), order);
    }
    const { time, ...totals } = head;
    return { ...totals, positions, time } as Portfolio;
  },
  difference(before, after) {
    const rows: Record<string, Rows[string]> = {};
    addDifference(before.positions, after.positions, rows, {
      ...order,
      rowKey: positionKey,
      rowValue,
      isEqual: (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b),
    });
    return rows;
  },
  limit: undefined,
};
