/**
 * A stream (or an order, or a copy trade) that has got nothing but older states for this long, in ms, is frozen: its
 * producer's versions are wrong, and what subscribers see does not move. Shorter runs are late retries.
 */
export const FROZEN_AFTER_MS = 30_000;

/** It counts as frozen as long as events still come: the last one at most this long ago, in ms. */
export const FROZEN_WHILE_MS = 60_000;

/** Most streams (or entities) of one slot whose runs of older states are remembered; those with the oldest go first. */
export const MAXIMUM_STALE_RUNS = 10_000;
