import { channelDefinition } from "../../../contract/channels.ts";
import { compareIds, FIRST_ID, laterId } from "../../../contract/ids.ts";
import type { Stream } from "../../../contract/stream.ts";
import { isLatest } from "../../../kernel/protocol/recovery.ts";
import { type EdgeHint, streamOf } from "../../../kernel/streams/edge-hint.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import type { StoredCursor } from "../streams/cursor.ts";
import type { FanOutScope } from "../streams/edge-streams.ts";
import { entriesUpTo } from "../streams/held-state.ts";
import { readAfter } from "../streams/read-after.ts";
import type { PendingEntries } from "./encode-entries.ts";

/** The scope of a message group's hints. */
export interface HintedScope extends FanOutScope {
  /** In a part of a large room, the id that all subscribers of the shard have. */
  readonly after?: string | undefined;
}

/** Returns the scope that all hints of a message group have in common; undefined without hints. */
export function scopeOf(hints: readonly EdgeHint[]): HintedScope | undefined {
  const [first] = hints;
  if (!first) return undefined;
  const { part } = first;
  return { stream: streamOf(first), shard: part?.shard, after: part?.after };
}

/** Returns the id to deliver after: the cursor's or, in a part, the room's before it was split, whichever is newer. */
function deliverAfter({ cursor, text }: StoredCursor, after: string | undefined): string | undefined {
  if (after === undefined || (text !== undefined && !cursor)) return cursor?.id;
  return laterId(cursor?.id ?? FIRST_ID, after);
}

const heldEntries = (stream: Stream): number =>
  isLatest(stream) ? 1 : channelDefinition(stream.channel).history.entries;

/**
 * Reads the entries after the cursor. Without a cursor all that are held: nobody has had anything of the stream. Where the
 * cursor cannot be parsed, or is ahead of the stream because Redis has lost entries, the newest entry alone: its own `id`
 * and `prev` show the gap.
 *
 * @param upTo leaves out newer entries, which have hints of their own.
 */
export async function readPending(
  reader: StreamReader,
  scope: HintedScope,
  { seen, upTo }: { readonly seen: StoredCursor; readonly upTo?: string | undefined },
): Promise<PendingEntries> {
  const held = await readHeld(reader, scope, seen);
  // A part of a large room begins after messages that its cursor knows nothing of.
  const isContinued = !held.isReset && held.after === seen.cursor?.id;
  const pending = { ...held, viewIds: isContinued ? seen.cursor?.viewIds : undefined };
  return upTo === undefined ? pending : { ...pending, entries: entriesUpTo(pending.entries, upTo) };
}

async function readHeld(reader: StreamReader, scope: HintedScope, seen: StoredCursor): Promise<PendingEntries> {
  const { stream } = scope;
  const after = deliverAfter(seen, scope.after);
  if (after === undefined) {
    const isReset = seen.text !== undefined;
    return { entries: await reader.newest(stream, isReset ? 1 : heldEntries(stream)), after, isReset };
  }
  const following = isLatest(stream) ? [] : await readAfter(reader, stream, after);
  if (following.length > 0) return { entries: following, after, isReset: false };
  const newest = await reader.newest(stream, 1);
  const order = compareIds(newest[0]?.id ?? after, after);
  // An `ordered` entry that came between the two reads has a hint of its own.
  const isPending = order < 0 || (order > 0 && isLatest(stream));
  return { entries: isPending ? newest : [], after, isReset: order < 0 };
}
