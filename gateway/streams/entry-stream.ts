import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import { conflate, isLatest, type Recovery, snapshotOf } from "../../kernel/protocol/recovery.ts";
import type { StateView } from "../../kernel/protocol/state-recovery.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";
import { dataOf, targetOf } from "../fan-out/stream-target.ts";
import { compareWithHeld } from "./compare-with-held.ts";
import { StreamState, type StreamStateOptions } from "./stream-state.ts";
import type { Head, StreamView } from "./stream-view.ts";

/** Entries per read of a repair. */
const PAGE = 500;

/** A stream of any other channel than those of the class `state`: all subscribers get its entries as they are. */
export class EntryStream extends StreamState implements StreamView {
  readonly #isLatest: boolean;

  constructor(options: StreamStateOptions) {
    super(options);
    this.#isLatest = isLatest(options.stream);
  }

  get failure(): Error | undefined {
    return undefined;
  }

  get heads(): Iterable<Head> {
    return [{ stream: this.stream, target: targetOf(this.stream), lastId: this.lastId }];
  }

  view(_view: StateView): StreamView {
    return this;
  }

  close(): void {
    // It has none.
  }

  snapshot(): Recovery {
    return snapshotOf(this.stream, this.last);
  }

  resume(id: string): Recovery | undefined {
    return this.recent.resume(id);
  }

  /** A value that waits for its turn in a long snapshot may be overtaken by a live one: the newest goes out then. */
  contentOf(entry: Entry): OutgoingOptions {
    if (!this.#isLatest) return { event: "data", message: entry };
    const newest = (): OutgoingOptions | undefined =>
      this.last && dataOf(this.stream, { ...this.last, prev: entry.prev });
    return { ...dataOf(this.stream, entry), newest };
  }

  protected async readStart(): Promise<void> {
    const { kept } = this.recent;
    const entries = await this.options.reader.newest(this.stream, kept);
    this.recent.replace(entries);
    // Fewer than asked for is all that there is.
    if (entries.length < kept) this.recent.markComplete();
    this.markStarted();
  }

  protected accept(entry: Entry): boolean {
    if (entry.prev === this.lastId) {
      this.append(entry, "live");
      return true;
    }
    if (this.recent.has(entry.id)) return true;
    if (!this.#isLatest || compareIds(entry.id, this.lastId) < 0) return false;
    this.append(conflate(entry, this.lastId), "live");
    return true;
  }

  protected async catchUp(): Promise<void> {
    const { reader } = this.options;
    let page = await reader.after(this.stream, this.lastId, PAGE);
    const [first] = page;
    if (!first || (first.prev !== this.lastId && !this.#isLatest)) return this.#reconcile();
    this.#fill(page);
    while (page.length === PAGE) {
      page = await reader.after(this.stream, this.lastId, PAGE);
      for (const entry of page) this.append(entry, "repair");
    }
  }

  protected follow(entries: readonly Entry[]): void | Promise<void> {
    for (const entry of entries) this.append(entry, "repair");
  }

  /** Delivers what follows our last entry. */
  #fill(page: readonly Entry[]): void {
    const [first, ...others] = page;
    if (!first) return;
    this.reportFilled(page);
    this.append(this.#isLatest ? conflate(first, this.lastId) : first, "repair");
    for (const entry of others) this.append(entry, "repair");
  }

  /**
   * Redis does not continue from our last entry. Either it lost that one (and perhaps continued elsewhere), or what
   * followed is trimmed. Subscribers get what comes after the last entry in common, with its own `prev`, so that they see
   * the gap.
   */
  async #reconcile(): Promise<void> {
    const held = await this.options.reader.newest(this.stream, this.historyEntries);
    if ((held.at(-1)?.id ?? FIRST_ID) === this.lastId) return;
    const { start, newer, isOurs } = compareWithHeld(this.recent.all, this.lastId, held);
    // It does, with an entry that was written since the read that found nothing.
    if (newer >= 0 && (this.#isLatest || held[newer]?.prev === this.lastId)) return this.#fill(held.slice(newer));
    this.options.onGap(isOurs ? "lost" : "reset");
    this.recent.replace(held.slice(0, start));
    for (const entry of held.slice(start)) this.append(entry, "repair");
  }
}
