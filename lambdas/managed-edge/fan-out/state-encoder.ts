import { compareIds, FIRST_ID, laterId } from "../../../contract/ids.ts";
import type { DataEvent, SubscribeRequest } from "../../../contract/messages.ts";
import { stateFormat } from "../../../contract/state/state-formats.ts";
import type { VerifiedState } from "../../../contract/state/verified-state.ts";
import type { Stream } from "../../../contract/stream.ts";
import { entriesFollowing } from "../../../kernel/protocol/recovery.ts";
import {
  composeEntries,
  headWithoutTime,
  limitState,
  type StateView,
  wholeMessage,
} from "../../../kernel/protocol/state-recovery.ts";
import { type Entry, isChanges } from "../../../kernel/streams/entry.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import { encodeFrame, MAXIMUM_MESSAGE_BYTES } from "../posting/poster.ts";
import { conflatedPrev, type PendingEntries } from "./encode-entries.ts";
import { touchesView } from "./touches-view.ts";
import { changesOfView } from "./view-changes.ts";

type Depth = SubscribeRequest["depth"];

const encode = (data: DataEvent): string => encodeFrame({ event: "data", data });

const isShort = (text: string): boolean => Buffer.byteLength(text) <= MAXIMUM_MESSAGE_BYTES;

/** Returns what changed, unless the whole value is shorter: many rows that are gone can make it so. */
const shorter = (changes: string | undefined, whole: string): string =>
  changes !== undefined && changes.length <= whole.length ? changes : whole;

interface StateEncoderOptions {
  readonly stream: Stream;
  readonly reader: StreamReader;
  /** At least one entry. */
  readonly pending: PendingEntries;
}

/** Returns the fields beside the rows that a value has after an entry, without its time. */
function headAfter(entry: Entry): string {
  const format = stateFormat(entry.channel);
  return headWithoutTime(isChanges(entry) ? { ...entry.changes.head } : (format?.head(entry.data) ?? {}));
}

/**
 * Encodes the pending entries of one stream of a state channel as one message, for the view and the position of each
 * subscriber. A text is made once, for all that get it.
 */
export class StateEncoder {
  readonly #options: StateEncoderOptions;
  readonly #newest: Entry;
  /** What changed since a position, as one message; undefined where the entries do not reach back to it. */
  readonly #composed = new Map<string, DataEvent | undefined>();
  readonly #texts = new Map<string, string>();
  /** By depth, the oldest position of those who have the view. */
  readonly #oldest = new Map<Depth, string>();
  readonly #views = new Map<Depth, Promise<boolean>>();
  readonly #viewIds: Map<string, string>;

  constructor(options: StateEncoderOptions, newest: Entry) {
    this.#options = options;
    this.#newest = newest;
    this.#viewIds = new Map(Object.entries(options.pending.viewIds ?? {}));
  }

  /** By depth, the id of the last message of a view after all that was encoded. */
  get viewIds(): Readonly<Record<string, string>> | undefined {
    return this.#viewIds.size > 0 ? Object.fromEntries(this.#viewIds) : undefined;
  }

  /** True where a subscriber that had `start` as it went live does not have the newest entry yet. */
  hasNews(start: string | undefined): boolean {
    return start === undefined || compareIds(this.#newest.id, start) > 0;
  }

  /** Adds a subscriber that does not have the newest entry. Call it for all of them before `encode`. */
  addRecipient({ depth }: StateView, start: string | undefined): void {
    const position = this.#prevOf(start);
    const oldest = this.#oldest.get(depth) ?? position;
    this.#oldest.set(depth, compareIds(position, oldest) < 0 ? position : oldest);
  }

  /** True where `encode` needs the whole value for a subscriber. */
  needsState(view: StateView, start: string | undefined): boolean {
    if (!view.changes || view.depth !== undefined) return true;
    const composed = this.#changesText(this.#prevOf(start));
    return composed === undefined || !isShort(composed);
  }

  /**
   * Resolves with the text for a subscriber; undefined where it sees nothing of what changed.
   *
   * @param state the value after the newest entry; undefined where `needsState` says that none is needed.
   */
  async encode(
    { changes, depth }: StateView,
    start: string | undefined,
    state: VerifiedState | undefined,
  ): Promise<string | undefined> {
    if (depth !== undefined) return state && this.#encodeView({ changes, depth }, start, state);
    const prev = this.#prevOf(start);
    const composed = changes ? this.#changesText(prev) : undefined;
    if (!state || (composed !== undefined && isShort(composed))) return composed;
    return shorter(composed, this.#wholeText(prev, depth, state));
  }

  /** Whoever has the view gets the same messages: what one of them is sent, another one's change follows. */
  async #encodeView(
    { changes, depth }: StateView & { readonly depth: NonNullable<Depth> },
    start: string | undefined,
    state: VerifiedState,
  ): Promise<string | undefined> {
    if (!(await this.#isInView(depth, state))) return undefined;
    const before = this.#viewIdBefore(depth, start);
    const prev = before ?? this.#prevOf(start);
    const change = changes && before !== undefined ? this.#viewText(before, { depth, start }, state) : undefined;
    this.#viewIds.set(String(depth), this.#newest.id);
    return shorter(change, this.#wholeText(prev, depth, state));
  }

  /** Returns the id of the last message of a view that a subscriber has; undefined where it is not known. */
  #viewIdBefore(depth: Depth, start: string | undefined): string | undefined {
    const { after, isReset, viewIds } = this.#options.pending;
    if (isReset) return undefined;
    if (start !== undefined && compareIds(start, after ?? FIRST_ID) >= 0) return start;
    const known = viewIds?.[String(depth)];
    return known && laterId(known, start ?? FIRST_ID);
  }

  #viewText(
    prev: string,
    { depth, start }: { readonly depth: NonNullable<Depth>; readonly start: string | undefined },
    state: VerifiedState,
  ): string | undefined {
    const { stream } = this.#options;
    const format = stateFormat(stream.channel);
    const since = this.#prevOf(start);
    const composed = this.#composedAfter(since);
    if (!format || !composed || !isChanges(composed)) return undefined;
    const { value } = state;
    const { event } = this.#newest;
    return this.#once(`view ${depth} ${prev} ${since}`, () => {
      const changes = changesOfView(format, { value, depth }, composed.changes);
      const { data: _, ...whole } = wholeMessage(
        stream,
        limitState(stream, state, depth),
        { id: this.#newest.id, prev, event },
        depth,
      );
      return changes && encode({ ...whole, changes } as DataEvent);
    });
  }

  #prevOf(start: string | undefined): string {
    return conflatedPrev(this.#newest, this.#options.pending, start);
  }

  #composedAfter(prev: string): DataEvent | undefined {
    const { entries, isReset } = this.#options.pending;
    if (isReset) return undefined;
    if (!this.#composed.has(prev)) this.#composed.set(prev, composeEntries(entriesFollowing(entries, prev) ?? []));
    return this.#composed.get(prev);
  }

  #once<T extends string | undefined>(name: string, text: () => T): T | string {
    const known = this.#texts.get(name) ?? text();
    if (known !== undefined) this.#texts.set(name, known);
    return known;
  }

  #changesText(prev: string): string | undefined {
    const composed = this.#composedAfter(prev);
    return composed && this.#once(`changes ${prev}`, () => encode(composed));
  }

  #wholeText(prev: string, depth: Depth, state: VerifiedState): string {
    const { stream } = this.#options;
    const { id, event } = this.#newest;
    return this.#once(`whole ${depth} ${prev}`, () =>
      encode(wholeMessage(stream, limitState(stream, state, depth), { id, prev, event }, depth)),
    );
  }

  /** Resolves with false where the best rows cannot have changed for anyone, nor what the value has beside rows. */
  #isInView(depth: NonNullable<Depth>, state: VerifiedState): Promise<boolean> {
    const known = this.#views.get(depth) ?? this.#findInView(this.#oldest.get(depth) ?? FIRST_ID, depth, state);
    this.#views.set(depth, known);
    return known;
  }

  async #findInView(prev: string, depth: NonNullable<Depth>, { value }: VerifiedState): Promise<boolean> {
    const { stream, reader, pending } = this.#options;
    const format = stateFormat(stream.channel);
    const composed = this.#composedAfter(prev);
    if (!format || !composed || !isChanges(composed)) return true;
    if (touchesView(format, { value, depth }, composed.changes)) return true;
    const count = entriesFollowing(pending.entries, prev)?.length ?? 0;
    const [before] = await reader.newest(stream, count + 1);
    return before?.id !== prev || headAfter(before) !== headAfter(composed);
  }
}
