import { compareIds, FIRST_ID, type Stream } from "../../../contract/stream.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import { encodeFrame } from "../posting/poster.ts";
import { laterId } from "../streams/cursor.ts";
import { isLatest } from "../streams/resume.ts";

/** What a round has to deliver. */
export interface News {
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** Up to which id the listeners have the stream, unless their own start is later; undefined: they have nothing. */
  readonly after: string | undefined;
  /** Whether `after` says nothing, because Redis has lost what it stands for. */
  readonly isReset: boolean;
}

/** The frames of one connection. */
export type Encode = (connectionId: string) => readonly string[];

/**
 * The `prev` of a value that stands for all those before it that a listener did not get: the id of the last one that it
 * has. After a reset its own, so that the listener sees that something is missing.
 */
function conflatedPrev(entry: Entry, { after, isReset }: News, start: string | undefined): string {
  if (isReset) return entry.prev;
  return laterId(after ?? FIRST_ID, start ?? FIRST_ID);
}

/**
 * Encodes the news of a stream for the connections that are to have them.
 *
 * @param starts by connection, what it had as it went live, where that is not where the news begin.
 */
export function createEncoder(stream: Stream, news: News, starts: ReadonlyMap<string, string>): Encode {
  // Most listeners get the very same text.
  const encoded = new Map<string, string>();
  const isConflated = isLatest(stream);
  const encode = (entry: Entry, start: string | undefined): string => {
    const prev = isConflated ? conflatedPrev(entry, news, start) : entry.prev;
    const name = `${entry.id} ${prev}`;
    const text = encoded.get(name) ?? encodeFrame({ event: "data", data: { ...entry, prev } });
    encoded.set(name, text);
    return text;
  };
  return (connectionId) => {
    const start = starts.get(connectionId);
    const entries = start === undefined ? news.entries : news.entries.filter(({ id }) => compareIds(id, start) > 0);
    return entries.map((entry) => encode(entry, start));
  };
}
