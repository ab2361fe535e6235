/**
 * Time after which a stream (or an order, or a copy trade) that gets only older states counts as frozen, in ms: its
 * producer's versions are wrong, and subscribers see a value that does not change. Shorter runs are late retries.
 */
export const FROZEN_AFTER_MS = 30_000;

/** Age of the last older state up to which it still counts as frozen, in ms. */
export const FROZEN_WHILE_MS = 60_000;

/** Most streams (or entities) of one slot whose runs of older states are kept; those with the oldest runs go first. */
export const MAXIMUM_STALE_RUNS = 10_000;
