/** The longest delay of a timer, in ms. Platforms fire a timer with a longer one immediately. */
const MAXIMUM_DELAY_MS = 2 ** 31 - 1;

/** Limits a delay to what a timer can take: one of more than 24.8 days ends early, which every caller here tolerates. */
export const boundedDelay = (delayMs: number): number => Math.min(delayMs, MAXIMUM_DELAY_MS);
