/** Most that a version that is a time may be ahead of Redis's clock, in ms, unless configured. */
export const DEFAULT_CLOCK_SKEW_MS = 60_000;

/**
 * Most that an entry's id may be ahead of Redis `TIME`, in ms. Ids come from that clock, so one further ahead was forged or
 * written before the clock was set back: gateways refuse it, and the publish script starts the stream anew.
 * Wide enough for the clocks of a primary and of the replica that is promoted after it.
 */
export const MAXIMUM_ID_AHEAD_MS = 300_000;
