import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import { shardsOf } from "../../../kernel/managed-edge/edge-table.ts";
import { deduplicationIdOf, type EdgeHint, type EnqueueHints } from "../../../kernel/streams/edge-hint.ts";
import type { StoredCursor } from "../streams/cursor.ts";
import type { EdgeStreams, FanOutScope } from "../streams/edge-streams.ts";

/** Time that a room stays split after its last message, in ms: far longer than a message waits in the queue. */
const SPLIT_REST_MS = 300_000;

export interface SplitContext {
  readonly streams: EdgeStreams;
  /** Enqueues the parts of a large room; without it every room is served by one invocation. */
  readonly enqueueHints?: EnqueueHints | undefined;
}

/** Enqueues a hint per shard: an invocation each serves them, in the order of its own message group. */
async function enqueueParts(
  enqueueHints: EnqueueHints,
  { stream }: FanOutScope,
  { after, upTo }: { readonly after: string; readonly upTo: string },
): Promise<void> {
  const shards = Array.from({ length: shardsOf(stream.channel) }, (_, shard) => shard);
  const hints = shards.map((shard): EdgeHint => ({ ...stream, part: { shard, after } }));
  await enqueueHints(hints.map((hint) => ({ hint, deduplicationId: deduplicationIdOf(hint, upTo) })));
}

/**
 * Splits the work on a room that was found to be large. Resolves with true where its parts are in the queue and the cursor
 * is moved, with false where the caller is to deliver itself.
 */
export async function splitRoom(
  { streams, enqueueHints }: SplitContext,
  scope: FanOutScope,
  { seen, upTo }: { readonly seen: StoredCursor; readonly upTo: string },
): Promise<boolean> {
  const splitAt = seen.cursor?.splitAt;
  if (!enqueueHints || scope.shard !== undefined || !seen.cursor || splitAt === undefined) return false;
  const now = await streams.now(scope.stream);
  if (now - splitAt >= SPLIT_REST_MS) return false;
  const { id } = seen.cursor;
  // After a reset each part finds its position on its own.
  await enqueueParts(enqueueHints, scope, { after: compareIds(id, upTo) > 0 ? FIRST_ID : id, upTo });
  await streams.moveCursor(scope, seen, { id: upTo, splitAt: now });
  return true;
}
