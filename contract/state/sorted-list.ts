import type { Rows } from "./state-format.ts";

/** Lists whose items have distinct sort keys, in ascending order by `compare`. */
export interface ListOrder<T> {
  /** The sort key of an item. */
  readonly keyOf: (item: T) => string;
  /** Compares two sort keys: negative where the first one comes first. */
  readonly compare: (a: string, b: string) => number;
}

/** Returns the index of the first item whose key is not before `key`. */
function lowerBound<T>(list: readonly T[], key: string, { keyOf, compare }: ListOrder<T>): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(keyOf(list[middle] as T), key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns the item with a key. */
export function findItem<T>(list: readonly T[], key: string, order: ListOrder<T>): T | undefined {
  const item = list[lowerBound(list, key, order)];
  return item !== undefined && order.keyOf(item) === key ? item : undefined;
}

/** Sets (an item) or removes (undefined) what has a key, in place. */
export function setItem<T>(list: T[], key: string, item: T | undefined, order: ListOrder<T>): void {
  const index = lowerBound(list, key, order);
  const found = list[index];
  const isThere = found !== undefined && order.keyOf(found) === key;
  if (item !== undefined) list.splice(index, isThere ? 1 : 0, item);
  else if (isThere) list.splice(index, 1);
}

interface DifferenceOptions<T> extends ListOrder<T> {
  readonly rowKey: (item: T) => string;
  readonly rowValue: (item: T) => NonNullable<Rows[string]>;
  readonly isEqual: (a: T, b: T) => boolean;
}

/** Adds the rows that differ between two lists to `rows`. */
export function addDifference<T>(
  before: readonly T[],
  after: readonly T[],
  rows: Record<string, Rows[string]>,
  options: DifferenceOptions<T>,
): void {
  if (before === after) return;
  const { keyOf, compare, rowKey, rowValue, isEqual } = options;
  // What two values share.
  let old = 0;
  while (old < after.length && before[old] === after[old]) old += 1;
  const dropBefore = (key: string | undefined): void => {
    for (; old < before.length; old += 1) {
      const item = before[old] as T;
      if (key !== undefined && compare(keyOf(item), key) >= 0) return;
      rows[rowKey(item)] = null;
    }
  };
  for (let index = old; index < after.length; index += 1) {
    const item = after[index] as T;
    if (item === before[old]) {
      old += 1;
      continue;
    }
    dropBefore(keyOf(item));
    const counterpart = before[old];
    const isKnown = counterpart !== undefined && keyOf(counterpart) === keyOf(item);
    if (isKnown) old += 1;
    if (!isKnown || !isEqual(counterpart, item)) rows[rowKey(item)] = rowValue(item);
  }
  dropBefore(undefined);
}
