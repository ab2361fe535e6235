import { channelDefinition } from "../../../contract/channels.ts";
import { compareIds, FIRST_ID, type Stream } from "../../../contract/stream.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";

/** Entries per read. */
const PAGE = 500;

/** What a client gets of a stream at once, and where that leaves it. */
export interface Resume {
  readonly entries: readonly Entry[];
  readonly id: string;
  readonly recovered: boolean;
}

export const isLatest = ({ channel }: Stream): boolean => channelDefinition(channel).delivery === "latest";

/** All entries after an id, oldest first. */
export async function readAfter(reader: StreamReader, stream: Stream, id: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const page = await reader.after(stream, entries.at(-1)?.id ?? id, PAGE);
    entries.push(...page);
    if (page.length < PAGE) return entries;
  }
}

/** Where a stream begins for a client that has nothing of it: `latest` with its value, the others with what comes. */
export async function readSnapshot(reader: StreamReader, stream: Stream): Promise<Resume> {
  const [newest] = await reader.newest(stream, 1);
  const entries = newest && isLatest(stream) ? [newest] : [];
  return { entries, id: newest?.id ?? FIRST_ID, recovered: true };
}

async function resumeLatest(reader: StreamReader, stream: Stream, id: string): Promise<Resume> {
  const [last] = await reader.newest(stream, 1);
  if (id === (last?.id ?? FIRST_ID)) return { entries: [], id, recovered: true };
  if (!last) return { entries: [], id: FIRST_ID, recovered: false };
  // The client is ahead of the stream: Redis has lost what it has. Its own `prev` shows that.
  if (compareIds(id, last.id) > 0) return { entries: [last], id: last.id, recovered: false };
  return { entries: [{ ...last, prev: id }], id: last.id, recovered: true };
}

/** What came after an id; all that is held, not recovered, where something in between is gone. As on the gateway. */
export async function readResume(reader: StreamReader, stream: Stream, id: string): Promise<Resume> {
  if (isLatest(stream)) return resumeLatest(reader, stream, id);
  const after = await readAfter(reader, stream, id);
  const [first] = after;
  const [top] = first ? [first] : await reader.newest(stream, 1);
  if (first ? first.prev === id : (top?.id ?? FIRST_ID) === id) {
    return { entries: after, id: after.at(-1)?.id ?? id, recovered: true };
  }
  const held = await reader.newest(stream, channelDefinition(stream.channel).history.entries);
  return { entries: held, id: held.at(-1)?.id ?? FIRST_ID, recovered: false };
}

/** What came after an id meanwhile, as one that follows gets it: of a `latest` stream the newest value alone. */
export async function readFollowing(reader: StreamReader, stream: Stream, id: string): Promise<readonly Entry[]> {
  if (!isLatest(stream)) return readAfter(reader, stream, id);
  const [newest] = await reader.newest(stream, 1);
  return newest && compareIds(newest.id, id) > 0 ? [{ ...newest, prev: id }] : [];
}
