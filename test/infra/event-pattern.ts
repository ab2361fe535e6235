import * as z from "zod";

/** The part of EventBridge's patterns that our rules use: lists of exact values. Anything else is an error here. */
const patternSchema = z.strictObject({
  source: z.array(z.string()).min(1),
  "detail-type": z.array(z.string()).min(1),
});

export interface BusEvent {
  readonly source: string;
  readonly "detail-type": string;
}

/**
 * Whether a rule's pattern takes an event, as EventBridge would say.
 *
 * @throws ZodError for a pattern with a matcher that this does not know.
 */
export function matches(pattern: unknown, event: BusEvent): boolean {
  const parsed = patternSchema.parse(pattern);
  return parsed.source.includes(event.source) && parsed["detail-type"].includes(event["detail-type"]);
}
