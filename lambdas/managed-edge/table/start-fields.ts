import * as z from "zod";
import type { Row } from "./table.ts";

/** From which id on a live subscriber gets messages; where a field is absent, from the fan-out's cursor on. */
export const startFieldsSchema = z.object({
  /** In the room of one stream: the id up to which the subscriber has the stream. */
  startId: z.string().optional(),
  /** In the room of a whole channel: the same by key, as `StartPositions` encoded it, where it is short ... */
  startIds: z.string().optional(),
  /** ... or the number of rows that hold it. */
  startRows: z.number().optional(),
  /** The newest of these ids: once the cursor has passed it, none of them matters. */
  newestStart: z.string().optional(),
});

export type StartFields = z.infer<typeof startFieldsSchema>;

/** Returns the attributes to write, without those that are undefined. */
export const startValues = (start: StartFields): Row =>
  Object.fromEntries(Object.entries(start).filter(([, value]) => value !== undefined));
