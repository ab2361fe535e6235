import { compareIds } from "../../../contract/ids.ts";
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

type Depth = SubscribeRequest["depth"];

const encode = (data: DataEvent): string => encodeFrame({ event: "data", data });

const isShort = (text: string): boolean => Buffer.byteLength(text) <= MAXIMUM_MESSAGE_BYTES;

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
  readonly #views = new Map<string, Promise<boolean>>();

  constructor(options: StateEncoderOptions, newest: Entry) {
    this.#options = options;
    this.#newest = newest;
  }

  /** True where a subscriber that had `start` as it went live does not have the newest entry yet. */
  hasNews(start: string | undefined): boolean {
    return start === undefined || compareIds(this.#newest.id, start) > 0;
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
    const prev = this.#prevOf(start);
    const composed = changes && depth === undefined ? this.#changesText(prev) : undefined;
    if (!state || (composed !== undefined && isShort(composed))) return composed;
    if (depth !== undefined && !(await this.#isInView(prev, depth, state))) return undefined;
    const whole = this.#wholeText(prev, depth, state);
    // Many rows that are gone can make what changed longer than the value.
    return composed !== undefined && composed.length <= whole.length ? composed : whole;
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

  #once(name: string, text: () => string): string {
    const known = this.#texts.get(name) ?? text();
    this.#texts.set(name, known);
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

  /** Resolves with false where the best rows cannot have changed since a position, nor what the value has beside rows. */
  #isInView(prev: string, depth: NonNullable<Depth>, state: VerifiedState): Promise<boolean> {
    const name = `${depth} ${prev}`;
    const known = this.#views.get(name) ?? this.#findInView(prev, depth, state);
    this.#views.set(name, known);
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
