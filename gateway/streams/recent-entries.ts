import { channelDefinition } from "../../contract/channels.ts";
import { FIRST_ID } from "../../contract/ids.ts";
import type { Stream } from "../../contract/stream.ts";
import { entriesFollowing, isLatest, type Recovery, resumeLatest } from "../../kernel/protocol/recovery.ts";
import type { Entry } from "../../kernel/streams/entry.ts";

/** Entries kept in memory per stream, to answer resumes and to recognise duplicates: `latest` and the other classes. */
const KEPT_LATEST = 8;
const KEPT_ORDERED = 64;

/** Time that the whole history stays in memory after a resume asked for it, in ms. */
const HISTORY_LIFETIME_MS = 10_000;

/** The newest entries of one stream, without a gap between them, and the id up to which this node has it. */
export class RecentEntries {
  /** Entries that are kept in any case. */
  readonly kept: number;
  readonly #isLatest: boolean;
  readonly #historyEntries: number;
  /** The newest last; its id is `lastId`. */
  #entries: Entry[] = [];
  #lastId = FIRST_ID;
  /** Until when `#entries` is all that Redis holds, by `performance.now()`. */
  #completeUntil = Number.NEGATIVE_INFINITY;

  constructor(stream: Stream) {
    this.#isLatest = isLatest(stream);
    this.kept = this.#isLatest ? KEPT_LATEST : KEPT_ORDERED;
    this.#historyEntries = channelDefinition(stream.channel).history.entries;
  }

  get lastId(): string {
    return this.#lastId;
  }

  /** The newest entry, if the stream has one. */
  get last(): Entry | undefined {
    return this.#entries.at(-1);
  }

  get all(): readonly Entry[] {
    return this.#entries;
  }

  has(id: string): boolean {
    return this.#entries.some((entry) => entry.id === id);
  }

  append(entry: Entry): void {
    this.#lastId = entry.id;
    this.#entries.push(entry);
    this.trim();
  }

  /** Drops all entries but the newest one. */
  keepNewest(): void {
    this.#entries.splice(0, this.#entries.length - 1);
  }

  /** Replaces all entries, oldest first. */
  replace(entries: readonly Entry[]): void {
    this.#entries = [...entries];
    this.#lastId = entries.at(-1)?.id ?? FIRST_ID;
  }

  /** Keeps the whole history for some seconds: what is in memory now is all that Redis holds. */
  markComplete(): void {
    this.#completeUntil = performance.now() + HISTORY_LIFETIME_MS;
  }

  /** Drops the oldest entries above what is kept. */
  trim(): void {
    const maximum = this.#isComplete ? this.#historyEntries : this.kept;
    if (this.#entries.length > maximum) this.#entries.splice(0, this.#entries.length - maximum);
  }

  /** Returns the entries after an id, or undefined where memory does not reach back to it. */
  resume(id: string): Recovery | undefined {
    if (id === this.#lastId) return { entries: [], recovered: true };
    if (this.#isLatest) return resumeLatest(this.last, id);
    const entries = entriesFollowing(this.#entries, id);
    if (entries) return { entries, recovered: true };
    return this.#isComplete ? { entries: this.#entries, recovered: false } : undefined;
  }

  get #isComplete(): boolean {
    return performance.now() < this.#completeUntil;
  }
}
