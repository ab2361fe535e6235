import * as z from "zod";
import { type DomainEvent, InvalidEventError } from "./domain-events.ts";
import { describeIssue } from "./messages.ts";

/** An entry of `PutEvents`. `Detail` is JSON text there, and may be the object itself in a stream's record. */
const entrySchema = z.object({ Source: z.string(), DetailType: z.string(), Detail: z.unknown() });

function parseJson(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidEventError(`${subject} is not JSON`, { cause });
  }
}

/**
 * Parses the data of a stream's record: a `PutEvents` entry as JSON, so that a producer can change between bus and stream.
 *
 * @param id unique to the record and kept over redeliveries.
 * @throws InvalidEventError that names the record and what is wrong with it.
 */
export function parseEntry(id: string, data: string): DomainEvent {
  const entry = entrySchema.safeParse(parseJson(data, `record ${id}: its data`));
  if (!entry.success) throw new InvalidEventError(`record ${id}: ${describeIssue(entry.error)}`);
  const { Source: source, DetailType: detailType, Detail: sent } = entry.data;
  const detail = typeof sent === "string" ? parseJson(sent, `record ${id}: the text of Detail`) : sent;
  return { id, source, detailType, detail };
}
