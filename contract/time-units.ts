/** 2001-09-09 in ms since 1970. An earlier time was sent in seconds: nothing here is older. */
export const EARLIEST_TIME_MS = 1_000_000_000_000;

/** The year 2286, in ms since 1970. A later time was sent in microseconds or nanoseconds. */
export const LATEST_TIME_MS = 9_999_999_999_999;

/** Below this a number is too small to be a time since 1970 in any unit: three years of seconds. */
const SMALLEST_SECONDS = 100_000_000;

const MICROSECONDS = 100_000_000_000_000;
const NANOSECONDS = 100_000_000_000_000_000;

/**
 * Names the unit that a number outside of the range of times in milliseconds seems to have, as the end of a sentence.
 * Empty within the range.
 */
export function describeUnit(value: number): string {
  if (value < SMALLEST_SECONDS) return "looks like a counter";
  if (value < EARLIEST_TIME_MS) return "is before 2001-09-09 and looks like seconds";
  if (value <= LATEST_TIME_MS) return "";
  if (value < MICROSECONDS) return "is after the year 2286";
  return value < NANOSECONDS ? "looks like microseconds" : "looks like nanoseconds";
}
