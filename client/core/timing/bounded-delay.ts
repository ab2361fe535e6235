/** The longest delay of a timer, in ms: platforms run one that is longer at once. */
const MAXIMUM_DELAY_MS = 2 ** 31 - 1;

/** A delay that a timer can take: one of more than 24.8 days ends early, which everything here can bear. */
export const boundedDelay = (delayMs: number): number => Math.min(delayMs, MAXIMUM_DELAY_MS);
