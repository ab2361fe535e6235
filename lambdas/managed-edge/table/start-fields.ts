import * as z from "zod";
import type { Row } from "./table.ts";

/** From where on a live listener gets messages; what is absent, the fan-out's cursor says. */
export const startFieldsSchema = z.object({
  /** In the room of one stream: up to which id it has the stream. */
  startId: z.string().optional(),
  /** In the room of a whole channel: what `startId` is, by key, as `encode` wrote it, where it is short ... */
  startIds: z.string().optional(),
  /** ... or in how many rows of its own. */
  startRows: z.number().optional(),
  /** The newest of these ids: where the cursor is as far, none of them matters. */
  newestStart: z.string().optional(),
});

export type StartFields = z.infer<typeof startFieldsSchema>;

/** The fields that a row gets. */
export const startValues = (start: StartFields): Row =>
  Object.fromEntries(Object.entries(start).filter(([, value]) => value !== undefined));
