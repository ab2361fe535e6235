import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { VerifiedState } from "../../contract/state/verified-state.ts";
import type { Stream } from "../../contract/stream.ts";
import { conflate } from "../../kernel/protocol/recovery.ts";
import { type StateView, stateAfter, wholeMessage } from "../../kernel/protocol/state-recovery.ts";
import { type Entry, isChanges } from "../../kernel/streams/entry.ts";
import { DamagedStateError, type StoredState } from "../../kernel/streams/stored-state.ts";
import type { Target } from "../fan-out/fan-out-options.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";
import type { StateStreamView, ViewedStream } from "./state-stream-view.ts";
import { createView } from "./state-views.ts";
import { type EntrySource, StreamState, type StreamStateOptions } from "./stream-state.ts";
import { type Head, viewName } from "./stream-view.ts";

/** Reads of value and entries until both are of one moment; another publish may come between the two. */
const MAXIMUM_ATTEMPTS = 3;

export interface StateStreamOptions extends StreamStateOptions {
  /** Resolves with the value that Redis holds; rejects with DamagedStateError where it is not the published one. */
  readonly readState: (stream: Stream) => Promise<StoredState | undefined>;
  /** Most whole values a second to subscribers that did not ask for changes. */
  readonly wholeValueRate: number;
  /** Returns the kinds of subscribers that the stream has here. */
  readonly wanted: () => Iterable<StateView>;
  readonly send: (target: Target, content: OutgoingOptions) => void;
  /** Called for each entry whose sum is not that of the value that it leads to. */
  readonly onMismatch: () => void;
  /** Called where the value has been read from Redis again. */
  readonly onReload: () => void;
  /** Called where Redis holds another value than the published one: the stream cannot be served until the next whole one. */
  readonly onDamaged: (error: DamagedStateError) => void;
}

/** A stream's value and its newest entries, both up to the same one. */
interface Reading {
  readonly state: StoredState | undefined;
  readonly entries: readonly Entry[];
}

/**
 * A stream of a `state` channel on this node: its proven value beside its recent entries. An entry whose sum is not that of
 * the value that it leads to is not passed on. The entries in Redis count then, or else the value there, which goes out whole.
 */
export class StateStream extends StreamState implements ViewedStream {
  readonly #options: StateStreamOptions;
  #value: StoredState | undefined;
  #failure: DamagedStateError | undefined;
  readonly #views = new Map<string, StateStreamView>();

  constructor(options: StateStreamOptions) {
    super(options);
    this.#options = options;
  }

  get value(): StoredState | undefined {
    return this.#value;
  }

  get failure(): DamagedStateError | undefined {
    return this.#failure;
  }

  get entries(): readonly Entry[] {
    return this.recent.all;
  }

  view(view: StateView): StateStreamView {
    const name = viewName(view);
    const { wholeValueRate, send } = this.#options;
    const opened = this.#views.get(name) ?? createView({ source: this, view, wholeValueRate, send });
    this.#views.set(name, opened);
    return opened;
  }

  get heads(): Iterable<Head> {
    // A stream that cannot be served has sent nothing, and so may lack the views of those who must be told.
    return this.#failure ? this.#openViews() : this.#views.values();
  }

  close(): void {
    for (const view of this.#views.values()) view.close();
    this.#views.clear();
  }

  /** What follows an id from before a whole value is that value. */
  override reaches(id: string): boolean {
    const [oldest] = this.entries;
    return super.reaches(id) || (oldest !== undefined && !isChanges(oldest));
  }

  override check(): Promise<boolean> {
    return this.#failure ? this.confirm() : super.check();
  }

  override async confirm(): Promise<boolean> {
    if (!this.#failure) return super.confirm();
    await this.repair();
    return true;
  }

  protected async readStart(): Promise<void> {
    try {
      const { state, entries } = await this.#read(this.recent.kept);
      this.recent.replace(entries);
      this.#value = state;
      if (entries.length < this.recent.kept) this.recent.markComplete();
    } catch (error) {
      // The stream is open all the same: the next whole value heals it.
      if (!this.#fail(error)) throw error;
    }
    this.markStarted();
  }

  protected accept(entry: Entry): boolean {
    const follows = entry.prev === this.lastId;
    if (!follows) {
      if (this.recent.has(entry.id)) return true;
      if (isChanges(entry) || compareIds(entry.id, this.lastId) < 0) return this.#failure !== undefined;
    }
    const state = this.#stateAfter(entry);
    if (!state) return this.#failure !== undefined;
    this.#advance(follows ? entry : conflate(entry, this.lastId), state, "live");
    return true;
  }

  protected async catchUp(): Promise<void> {
    if (this.#failure) return this.#reload();
    const page = await this.#options.reader.after(this.stream, this.lastId, this.historyEntries);
    const [first] = page;
    if (first?.prev === this.lastId) {
      this.reportFilled(page);
      return this.follow(page);
    }
    const [newest] = await this.#options.reader.newest(this.stream, 1);
    if ((newest?.id ?? FIRST_ID) !== this.lastId) await this.#reload();
  }

  protected async follow(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) {
      const state = this.#stateAfter(entry);
      if (!state) return this.#reload();
      this.#advance(entry, state, "repair");
    }
  }

  /** Returns the value after an entry, where the entry's sum proves it. */
  #stateAfter(entry: Entry): VerifiedState | undefined {
    const state = stateAfter(this.#value, entry);
    // Without a value, a change proves nothing.
    if (!state && (this.#value || !isChanges(entry))) this.#options.onMismatch();
    return state;
  }

  #advance(entry: Entry, { value, sum }: VerifiedState, source: EntrySource): void {
    const views = this.#openViews();
    this.#failure = undefined;
    this.#value = { value, sum, id: entry.id };
    this.append(entry, source);
    // What came before a whole value is of no use any more, and may be as large.
    if (!isChanges(entry)) this.recent.keepNewest();
    for (const view of views) view.advance(entry);
  }

  /** Returns the views that have subscribers, and drops the others. */
  #openViews(): StateStreamView[] {
    const wanted = new Map<string, StateView>();
    for (const view of this.#options.wanted()) wanted.set(viewName(view), view);
    for (const [name, view] of this.#views) {
      if (wanted.has(name)) continue;
      view.close();
      this.#views.delete(name);
    }
    return [...wanted.values()].map((view) => this.view(view));
  }

  /** Takes the value that Redis holds, and sends it whole. */
  async #reload(): Promise<void> {
    let reading: Reading;
    try {
      reading = await this.#read(this.historyEntries);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    this.#options.onReload();
    this.#failure = undefined;
    this.#take(reading);
  }

  #take({ state, entries }: Reading): void {
    const newest = entries.at(-1);
    if (!state || !newest) this.#clear();
    else if (state.id === this.lastId) this.#value = state;
    else this.#sendWhole(state, newest, entries);
  }

  #sendWhole(state: StoredState, newest: Entry, entries: readonly Entry[]): void {
    const isReset = compareIds(state.id, this.lastId) < 0;
    this.#options.onGap(isReset ? "reset" : "filled");
    const prev = isReset ? newest.prev : this.lastId;
    if (isReset) this.recent.replace(entries.slice(0, -1));
    this.#advance(wholeMessage(this.stream, state, { id: state.id, prev, event: newest.event }), state, "repair");
  }

  /** Follows a stream that Redis no longer has. */
  #clear(): void {
    this.#value = undefined;
    if (this.lastId === FIRST_ID) return;
    this.#options.onGap("reset");
    this.recent.replace([]);
    for (const view of this.#views.values()) view.reset();
  }

  /** Reads value and entries. Rejects with DamagedStateError, or with Redis's error. */
  async #read(count: number): Promise<Reading> {
    const { reader, readState } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      // The value first: it must not be newer than the entries.
      const [stored, entries] = await Promise.all([readState(this.stream), reader.newest(this.stream, count)]);
      if (entries.length === 0) return { state: undefined, entries };
      if (!stored) throw new DamagedStateError(this.stream, "it is missing");
      const state = rollForward(stored, entries);
      if (state) return { state, entries };
      if (attempt === MAXIMUM_ATTEMPTS) throw new DamagedStateError(this.stream, "the newest entries do not follow it");
    }
  }

  /** Notes that the stream cannot be served. Returns false for any other error than a damaged value. */
  #fail(error: unknown): boolean {
    if (!(error instanceof DamagedStateError)) return false;
    this.#failure = error;
    this.#value = undefined;
    this.#options.onDamaged(error);
    return true;
  }
}

/** Returns the value after the newest entry; undefined where the entries do not follow the value. */
function rollForward(stored: StoredState, entries: readonly Entry[]): StoredState | undefined {
  const index = entries.findIndex(({ id }) => id === stored.id);
  if (index < 0) return undefined;
  let state: StoredState | undefined = stored;
  for (const entry of entries.slice(index + 1)) {
    const next: VerifiedState | undefined = stateAfter(state, entry);
    if (!next) return undefined;
    state = { ...next, id: entry.id };
  }
  return state;
}
