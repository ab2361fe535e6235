import * as z from "zod";

/** The kind of EventBridge pattern that our rules use: lists of exact values. Any other one is an error here. */
const patternSchema = z.strictObject({
  source: z.array(z.string()).min(1),
  "detail-type": z.array(z.string()).min(1),
});

export interface BusEvent {
  readonly source: string;
  readonly "detail-type": string;
}

/**
 * Returns true if a rule's pattern matches an event, as in EventBridge.
 *
 * @throws ZodError for a pattern with another matcher.
 */
export function matches(pattern: unknown, event: BusEvent): boolean {
  const parsed = patternSchema.parse(pattern);
  return parsed.source.includes(event.source) && parsed["detail-type"].includes(event["detail-type"]);
}
