import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import type { DataEvent } from "../../../contract/messages.ts";
import type { Stream } from "../../../contract/stream.ts";
import { entriesFollowing } from "../../../kernel/protocol/recovery.ts";
import { composeEntries, resumeState, type StateView } from "../../../kernel/protocol/state-recovery.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import { encodeFrame, MAXIMUM_MESSAGE_BYTES } from "../posting/poster.ts";
import { readHeldState, type StateContext } from "../streams/held-state.ts";
import { readAfter } from "../streams/read-after.ts";
import type { Resume } from "../streams/resume.ts";

const bytesOf = (data: DataEvent): number => Buffer.byteLength(encodeFrame({ event: "data", data }));

/** Resolves with what changed since an id, as one message; undefined where the entries do not reach back to it. */
async function readComposed({ reader }: StateContext, stream: Stream, id: string): Promise<DataEvent | undefined> {
  return composeEntries(entriesFollowing(await readAfter(reader, stream, id), id) ?? []);
}

const toResume = (message: DataEvent): Resume => ({ entries: [message], id: message.id, recovered: true });

/**
 * Resolves with what a subscriber of a state channel gets who has a stream up to `lastId`, or nothing of it: nothing, what
 * changed since as one message, or the whole value.
 *
 * @throws DamagedStateError where the whole value is needed, and Redis has another one than was published; else Redis's
 *   error.
 */
export async function readStateResume(
  context: StateContext,
  stream: Stream,
  { lastId, view }: { readonly lastId: string | undefined; readonly view: StateView },
): Promise<Resume> {
  const [newest] = await context.reader.newest(stream, 1);
  if (lastId === (newest?.id ?? FIRST_ID)) return { entries: [], id: lastId, recovered: true };
  const hasChanges = view.changes && view.depth === undefined && lastId !== undefined;
  const composed = hasChanges ? await readComposed(context, stream, lastId) : undefined;
  if (composed && bytesOf(composed) <= MAXIMUM_MESSAGE_BYTES) return toResume(composed);
  const held = await readHeldState(context, stream);
  const { entries, recovered } = resumeState(held, lastId, { depth: view.depth });
  const [whole] = entries;
  // Many rows that are gone can make what changed longer than the value.
  if (composed && (!whole || bytesOf(composed) <= bytesOf(whole))) return toResume(composed);
  return { entries, recovered, id: whole?.id ?? held.state?.id ?? FIRST_ID };
}

/** Resolves with what came after an id that a subscriber has already; rejects as {@link readStateResume}. */
export async function readStateFollowing(
  context: StateContext,
  stream: Stream,
  { id, view }: { readonly id: string; readonly view: StateView },
): Promise<readonly Entry[]> {
  const following = await readStateResume(context, stream, { lastId: id, view });
  return compareIds(following.id, id) > 0 ? following.entries : [];
}
