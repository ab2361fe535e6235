import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { Depth } from "../../contract/limits.ts";
import type { Recovery } from "../../kernel/protocol/recovery.ts";
import { changeOfView, limitState, type SentState, wholeMessage } from "../../kernel/protocol/state-recovery.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { StateStreamView, type StateViewOptions } from "./state-stream-view.ts";

/** A view whose subscribers do not get every entry. */
abstract class PartialView extends StateStreamView {
  protected sent: SentState | undefined;

  constructor(options: StateViewOptions) {
    super(options);
    this.sent = this.#newest();
  }

  /** Always: it is the whole value that a subscriber gets who lacks something. */
  reaches(): boolean {
    return true;
  }

  override resume(id: string): Recovery {
    // The subscribers skip some ids; one that comes from elsewhere may have got one of them.
    if (compareIds(id, this.lastId) > 0 && !this.isAhead(id)) this.sendWhole();
    return super.resume(id);
  }

  reset(): void {
    this.sent = undefined;
  }

  /** Sends the newest value, whole. */
  protected sendWhole(): void {
    const state = this.#newest();
    if (!state || state.id === this.lastId) return;
    const isReset = compareIds(state.id, this.lastId) < 0;
    const prev = isReset ? (this.source.entries.at(-1)?.prev ?? FIRST_ID) : this.lastId;
    this.sent = state;
    this.send(wholeMessage(this.stream, state, { id: state.id, prev, event: state.event }, this.view.depth));
  }

  /** Returns what the newest value changes in a view of a depth; undefined where that is nothing. */
  protected changeOf(depth: Depth, before: SentState, { id, event }: Pick<Entry, "id" | "event">) {
    const after = this.source.value;
    return after && changeOfView(this.stream, { before, after, depth }, { id, prev: before.id, event });
  }

  /** The stream's value as this view shows it. */
  #newest(): SentState | undefined {
    const { value, entries } = this.source;
    return value && { ...limitState(this.stream, value, this.view.depth), id: value.id, event: entries.at(-1)?.event };
  }
}

/** What changed of the best rows. Entries that change none of them are left out. */
export class DepthChangesView extends PartialView {
  readonly #depth: Depth;

  constructor(options: StateViewOptions & { readonly depth: Depth }) {
    super(options);
    this.#depth = options.depth;
  }

  advance(entry: Entry): void {
    const { sent } = this;
    if (!sent || compareIds(entry.id, sent.id) <= 0) {
      this.sendWhole();
      return;
    }
    const change = this.changeOf(this.#depth, sent, entry);
    if (!change) return;
    this.sent = { ...change.state, id: entry.id, event: entry.event };
    this.send(change.message);
  }
}

/** Whole values, the newest ones, at a bounded rate: each is as large as the value. */
export class WholeView extends PartialView {
  readonly #intervalMs: number;
  #dueAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StateViewOptions) {
    super(options);
    this.#intervalMs = 1_000 / options.wholeValueRate;
  }

  advance(): void {
    if (this.#timer) return;
    const waitMs = this.#dueAt - performance.now();
    if (waitMs <= 0) this.#sendNewest();
    else this.#timer = setTimeout(() => this.#sendNewest(), waitMs).unref();
  }

  override close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  override reset(): void {
    super.reset();
    this.close();
  }

  protected override sendWhole(): void {
    this.close();
    this.#dueAt = performance.now() + this.#intervalMs;
    super.sendWhole();
  }

  #sendNewest(): void {
    this.#timer = undefined;
    if (!this.#isUnchanged) this.sendWhole();
  }

  /** True where a view of a depth has not changed since its last message. */
  get #isUnchanged(): boolean {
    const { depth } = this.view;
    const { value } = this.source;
    const { sent } = this;
    if (depth === undefined || !sent || !value || compareIds(value.id, sent.id) <= 0) return false;
    return this.changeOf(depth, sent, { id: value.id }) === undefined;
  }
}
