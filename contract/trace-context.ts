import * as z from "zod";

/** W3C Trace Context, version 00: `00-<32 hex: trace>-<16 hex: span>-<2 hex: flags>` (https://www.w3.org/TR/trace-context/). */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

const SAMPLED = 1;

/**
 * Returns a `traceparent` whose trace is sampled. Undefined for all others, also where it is not valid: W3C asks receivers
 * to go on without a context that they cannot read.
 */
export function sampledContext(traceparent: unknown): string | undefined {
  if (typeof traceparent !== "string" || !TRACEPARENT.test(traceparent)) return undefined;
  return (Number.parseInt(traceparent.slice(-2), 16) & SAMPLED) === SAMPLED ? traceparent : undefined;
}

/** A field with a trace context: what cannot be read is as if it were not there. */
export const traceparent = z.string().nullish().catch(undefined).transform(sampledContext);
