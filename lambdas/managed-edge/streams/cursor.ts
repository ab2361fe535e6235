import * as z from "zod";
import { compareIds, ENTRY_ID } from "../../../contract/stream.ts";

const cursorSchema = z.object({
  id: z.string().regex(ENTRY_ID),
  /** When the room was last found too large for one invocation, in ms since 1970 by Redis's clock. */
  splitAt: z.number().optional(),
});

/** Up to where a stream is delivered on this edge, or to one shard of its listeners. */
export type Cursor = z.infer<typeof cursorSchema>;

/** A cursor as it is kept. */
export interface StoredCursor {
  /** Absent: there is none. */
  readonly text?: string;
  /** Absent beside a text: the text makes no sense. */
  readonly cursor?: Cursor;
}

export const encodeCursor = (cursor: Cursor): string => JSON.stringify(cursor);

/** The cursor in what Redis holds; never throws. */
export function parseCursor(text: string | null | undefined): StoredCursor {
  if (!text) return {};
  try {
    const parsed = cursorSchema.safeParse(JSON.parse(text));
    return parsed.success ? { text, cursor: parsed.data } : { text };
  } catch {
    return { text };
  }
}

export const laterId = (a: string, b: string): string => (compareIds(a, b) < 0 ? b : a);

/** The milliseconds in an id. Only for what is shown or asked for: what was delivered is decided by whole ids. */
export const timeOf = (id: string): number => Number.parseInt(id, 10);

/**
 * Up to which id all listeners of a shard have a stream, where the cursors say so: of a room that was split, the parts
 * may still be in the queue.
 */
export function deliveredId({ cursor }: StoredCursor, { cursor: part }: StoredCursor): string | undefined {
  if (!cursor) return undefined;
  return cursor.splitAt === undefined || part?.id === cursor.id ? cursor.id : undefined;
}
