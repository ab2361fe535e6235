/** The value of a row, as JSON: the size of a price level, a position. */
export type RowValue = string | Readonly<Record<string, unknown>>;

/** What changed from one value of a state channel to a later one. */
export interface StateChange {
  /** The fields of the value beside its rows, all of them. */
  readonly head: Readonly<Record<string, unknown>>;
  /** The new value of each row that changed, by its key; null for a row that is gone. */
  readonly rows: Readonly<Record<string, RowValue | null>>;
}

/** Returns one change that does what both do, one after the other: the later value of a row counts. */
export const composeChanges = (older: StateChange, newer: StateChange): StateChange => ({
  head: newer.head,
  rows: { ...older.rows, ...newer.rows },
});
