import type { Stream } from "../../../contract/stream.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";

/** Entries per read. */
const PAGE = 500;

/** Resolves with all entries after an id, oldest first. */
export async function readAfter(reader: StreamReader, stream: Stream, id: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const page = await reader.after(stream, entries.at(-1)?.id ?? id, PAGE);
    entries.push(...page);
    if (page.length < PAGE) return entries;
  }
}
