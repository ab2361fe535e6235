import { channelDefinition } from "../../contract/channels.ts";
import type { Entry } from "../../contract/server/entry.ts";
import type { StreamReader } from "../../contract/server/stream-reader.ts";
import { compareIds, FIRST_ID, type Stream } from "../../contract/stream.ts";

/** Entries per read. */
const PAGE = 500;

/** What a client gets of a stream at once, and where that leaves it. */
export interface Resume {
  readonly entries: readonly Entry[];
  readonly lastId: string;
  readonly recovered: boolean;
  /** Whether the newest entry is too young to be part of this: read on from `lastId`, with a later `before`. */
  readonly isCut: boolean;
}

const timeOf = (id: string): number => Number.parseInt(id, 10);

const isLatest = ({ channel }: Stream): boolean => channelDefinition(channel).delivery === "latest";

/** All entries after an id, oldest first. */
export async function readAfter(reader: StreamReader, stream: Stream, id: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const page = await reader.after(stream, entries.at(-1)?.id ?? id, PAGE);
    entries.push(...page);
    if (page.length < PAGE) return entries;
  }
}

/** The entries before a moment, and the id that the next one follows. */
function cut(held: readonly Entry[], before: number) {
  const entries = held.filter(({ id }) => timeOf(id) < before);
  const lastId = entries.at(-1)?.id ?? held[0]?.prev ?? FIRST_ID;
  return { entries, lastId, isCut: entries.length === 0 && held.length > 0 };
}

/** Where a stream begins for a client that has nothing of it: `latest` with its value, the others with what comes. */
export async function readSnapshot(reader: StreamReader, stream: Stream, before: number): Promise<Resume> {
  const { entries, lastId, isCut } = cut(await reader.newest(stream, 1), before);
  return isLatest(stream)
    ? { entries, lastId, isCut, recovered: true }
    : { entries: [], lastId, isCut, recovered: true };
}

async function resumeLatest(reader: StreamReader, stream: Stream, { id, before }: Position): Promise<Resume> {
  const { entries, lastId, isCut } = cut(await reader.newest(stream, 1), before);
  const [last] = entries;
  if (id === lastId || isCut) return { entries: [], lastId: id, isCut, recovered: true };
  if (!last || compareIds(id, last.id) > 0) return { entries, lastId, isCut, recovered: false };
  return { entries: [{ ...last, prev: id }], lastId, isCut, recovered: true };
}

/** How far a client has a stream, and from when on it gets messages from the fan-out. */
export interface Position {
  readonly id: string;
  /** In ms since 1970 by Redis's clock; entries of that time and later are left out. */
  readonly before: number;
}

/** What came after an id; all that is held, not recovered, where something in between is gone. As on the gateway. */
export async function readResume(reader: StreamReader, stream: Stream, position: Position): Promise<Resume> {
  if (isLatest(stream)) return resumeLatest(reader, stream, position);
  const { id, before } = position;
  const after = await readAfter(reader, stream, id);
  const [first] = after;
  const [top] = first ? [first] : await reader.newest(stream, 1);
  if (first ? first.prev === id : (top?.id ?? FIRST_ID) === id) {
    const { entries } = cut(after, before);
    return { entries, lastId: entries.at(-1)?.id ?? id, recovered: true, isCut: false };
  }
  const held = await reader.newest(stream, channelDefinition(stream.channel).history.entries);
  return { ...cut(held, before), recovered: false, isCut: false };
}

/** What came after the position meanwhile, as one that follows gets it. */
export async function readFollowing(
  reader: StreamReader,
  stream: Stream,
  { id, before }: Position,
): Promise<Pick<Resume, "entries" | "isCut">> {
  if (!isLatest(stream)) return { entries: cut(await readAfter(reader, stream, id), before).entries, isCut: false };
  const [newest] = await reader.newest(stream, 1);
  if (!newest || compareIds(newest.id, id) <= 0) return { entries: [], isCut: false };
  return timeOf(newest.id) < before
    ? { entries: [{ ...newest, prev: id }], isCut: false }
    : { entries: [], isCut: true };
}
