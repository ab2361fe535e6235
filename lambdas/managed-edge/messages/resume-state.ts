import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import type { DataEvent } from "../../../contract/messages.ts";
import type { Stream } from "../../../contract/stream.ts";
import { entriesFollowing } from "../../../kernel/protocol/recovery.ts";
import { composeEntries, resumeState, type StateView } from "../../../kernel/protocol/state-recovery.ts";
import type { AnsweredMessages } from "../posting/outbox.ts";
import { encodeFrame, MAXIMUM_MESSAGE_BYTES } from "../posting/poster.ts";
import { readHeldState, type StateContext } from "../streams/held-state.ts";
import { readAfter } from "../streams/read-after.ts";
import type { Resume } from "../streams/resume.ts";

/** A message, encoded once: its size may decide whether it is sent. */
class SizedMessage {
  readonly message: DataEvent;
  readonly text: string;

  constructor(message: DataEvent) {
    this.message = message;
    this.text = encodeFrame({ event: "data", data: message });
  }

  get bytes(): number {
    return Buffer.byteLength(this.text);
  }
}

/** Resolves with what changed since an id, as one message; undefined where the entries do not reach back to it. */
async function readComposed({ reader }: StateContext, stream: Stream, id: string): Promise<SizedMessage | undefined> {
  const composed = composeEntries(entriesFollowing(await readAfter(reader, stream, id), id) ?? []);
  return composed && new SizedMessage(composed);
}

const toResume = ({ message, text }: SizedMessage, recovered = true): Resume => ({
  ...{ entries: [message], text, id: message.id, recovered },
});

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
  if (composed && composed.bytes <= MAXIMUM_MESSAGE_BYTES) return toResume(composed);
  const held = await readHeldState(context, stream);
  const { entries, recovered } = resumeState(held, lastId, { depth: view.depth });
  const [message] = entries;
  if (!message) return composed ? toResume(composed) : { entries, recovered, id: held.state?.id ?? FIRST_ID };
  const whole = new SizedMessage(message);
  // Many rows that are gone can make what changed longer than the value.
  return composed && composed.bytes <= whole.bytes ? toResume(composed) : toResume(whole, recovered);
}

/** Resolves with what came after an id that a subscriber has already; rejects as {@link readStateResume}. */
export async function readStateFollowing(
  context: StateContext,
  stream: Stream,
  { id, view }: { readonly id: string; readonly view: StateView },
): Promise<AnsweredMessages> {
  const following = await readStateResume(context, stream, { lastId: id, view });
  return compareIds(following.id, id) > 0 ? following : { entries: [] };
}
