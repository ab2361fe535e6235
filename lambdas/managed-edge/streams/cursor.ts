import * as z from "zod";
import { ENTRY_ID } from "../../../contract/ids.ts";

const cursorSchema = z.object({
  id: z.string().regex(ENTRY_ID),
  /** The time at which the room was last found too large for one invocation, in ms since 1970 by Redis's clock. */
  splitAt: z.number().optional(),
  /** By depth, the id of the last message that subscribers with a depth were sent: ids of others are left out for them. */
  viewIds: z.record(z.string(), z.string().regex(ENTRY_ID)).optional(),
});

/** Up to which id this edge has delivered a stream, or has delivered it to one shard of its room. */
export type Cursor = z.infer<typeof cursorSchema>;

/** A cursor as Redis holds it. */
export interface StoredCursor {
  /** Absent where there is no cursor. */
  readonly text?: string;
  /** Absent beside a text that is not a cursor. */
  readonly cursor?: Cursor;
}

export const encodeCursor = (cursor: Cursor): string => JSON.stringify(cursor);

/** Parses what Redis holds in a cursor's place; never throws. */
export function parseCursor(text: string | null | undefined): StoredCursor {
  if (!text) return {};
  try {
    const parsed = cursorSchema.safeParse(JSON.parse(text));
    return parsed.success ? { text, cursor: parsed.data } : { text };
  } catch {
    return { text };
  }
}

/**
 * Returns the id up to which every subscriber of a shard has a stream; undefined where the cursors do not say so. The
 * parts of a room that was split may still be in the queue.
 */
export function deliveredId({ cursor }: StoredCursor, { cursor: part }: StoredCursor): string | undefined {
  if (!cursor) return undefined;
  return cursor.splitAt === undefined || part?.id === cursor.id ? cursor.id : undefined;
}
