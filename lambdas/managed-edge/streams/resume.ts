import { channelDefinition } from "../../../contract/channels.ts";
import { compareIds, FIRST_ID } from "../../../contract/ids.ts";
import type { Stream } from "../../../contract/stream.ts";
import {
  conflate,
  entriesFollowing,
  isLatest,
  type Recovery,
  resumeLatest,
  snapshotOf,
} from "../../../kernel/protocol/recovery.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import { readAfter } from "./read-after.ts";

/** The entries of a stream that go with the answer, and the client's position after them. */
export interface Resume extends Recovery {
  readonly id: string;
  /** The only entry as a frame, where it is encoded already. */
  readonly text?: string | undefined;
}

/** Resolves with what a client without a last id gets: the newest value of a `latest` stream, nothing of the others. */
export async function readSnapshot(reader: StreamReader, stream: Stream): Promise<Resume> {
  const [newest] = await reader.newest(stream, 1);
  return { ...snapshotOf(stream, newest), id: newest?.id ?? FIRST_ID };
}

/** Resolves with what came after an id or, where something in between is gone, with all that is held: not recovered. */
export async function readResume(reader: StreamReader, stream: Stream, lastId: string): Promise<Resume> {
  if (isLatest(stream)) {
    const [newest] = await reader.newest(stream, 1);
    return { ...resumeLatest(newest, lastId), id: newest?.id ?? FIRST_ID };
  }
  const after = await readAfter(reader, stream, lastId);
  const following = entriesFollowing(after, lastId);
  if (following) return { entries: following, id: following.at(-1)?.id ?? lastId, recovered: true };
  const [newest] = after.length > 0 ? [] : await reader.newest(stream, 1);
  if (after.length === 0 && (newest?.id ?? FIRST_ID) === lastId) return { entries: [], id: lastId, recovered: true };
  const held = await reader.newest(stream, channelDefinition(stream.channel).history.entries);
  return { entries: held, id: held.at(-1)?.id ?? FIRST_ID, recovered: false };
}

/** Resolves with what came after an id that a client has already: of a `latest` stream the newest value alone. */
export async function readFollowing(reader: StreamReader, stream: Stream, id: string): Promise<readonly Entry[]> {
  if (!isLatest(stream)) return readAfter(reader, stream, id);
  const [newest] = await reader.newest(stream, 1);
  return newest && compareIds(newest.id, id) > 0 ? [conflate(newest, id)] : [];
}
