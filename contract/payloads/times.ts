/** Times in the spellings of senders. */
import { describeUnit, EARLIEST_TIME_MS, LATEST_TIME_MS } from "../time-units.ts";
import { quote, Refusal } from "./refusal.ts";

/** Milliseconds as digits, with or without a fraction. */
const DIGITS = /^(\d{1,25})(?:\.\d{1,25})?$/;

/** ISO 8601 and RFC 3339 with date and time, and the zone if there is one. */
const ISO = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?(?:([Zz])|([+-]\d\d)(?::?(\d\d))?)?$/;

const HOW_TO_SEND = 'send milliseconds since 1970, or ISO 8601 with a zone such as "2026-01-01T12:00:00.000Z"';

/** Reads ISO 8601; undefined where the text is something else, or no date of the calendar. */
function readIso(text: string): number | Refusal | undefined {
  const [, date = "", minutes = "", seconds = "00", fraction = "", zulu, hours, offset = "00"] = ISO.exec(text) ?? [];
  if (date === "") return undefined;
  if (zulu === undefined && hours === undefined) {
    return new Refusal(`${quote(text)} has no time zone: end it with Z or an offset such as +02:00`);
  }
  const zone = hours === undefined ? "Z" : `${hours}:${offset}`;
  const time = Date.parse(`${date}T${minutes}:${seconds}.${fraction.padEnd(3, "0").slice(0, 3)}${zone}`);
  const day = Date.parse(`${date}T00:00:00Z`);
  // A day that the month does not have is taken for one of the next month.
  const isDay = !Number.isNaN(day) && new Date(day).toISOString().startsWith(date);
  return isDay && !Number.isNaN(time) ? time : undefined;
}

function readMilliseconds(value: unknown): number | Refusal | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? Math.trunc(value) : undefined;
  if (typeof value !== "string") return undefined;
  const digits = DIGITS.exec(value)?.[1];
  if (digits !== undefined) return Number(digits);
  return value.length <= 64 ? readIso(value) : undefined;
}

/**
 * Reads a time: milliseconds since 1970 as number or as digits, a fraction of one cut off, or ISO 8601 with a zone. Seconds,
 * microseconds and nanoseconds lie outside of the range and are refused by name.
 */
export function readTime(value: unknown): number | Refusal {
  const time = readMilliseconds(value);
  if (time === undefined) return new Refusal(`${quote(value)} is no time: ${HOW_TO_SEND}`);
  if (typeof time !== "number") return time;
  if (time < 0) return new Refusal(`must not be negative: ${HOW_TO_SEND}`);
  if (time >= EARLIEST_TIME_MS && time <= LATEST_TIME_MS) return time;
  return new Refusal(`must be milliseconds since 1970: ${quote(value)} ${describeUnit(time)}`);
}
