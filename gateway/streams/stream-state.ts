import { setTimeout as delay } from "node:timers/promises";
import { channelDefinition } from "../../contract/channels.ts";
import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { Stream } from "../../contract/stream.ts";
import type { StateView } from "../../kernel/protocol/state-recovery.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import type { StreamReader } from "../../kernel/streams/stream-reader.ts";
import { ReadQueue } from "./read-queue.ts";
import { RecentEntries } from "./recent-entries.ts";
import type { Head, StreamView } from "./stream-view.ts";

/** Entries that may be queued until a read ends. More are dropped: they are in Redis, and the next read has them. */
const MAXIMUM_PENDING = 1_000;

/** Time, in ms, that a message may be in flight over Pub/Sub after a read on another connection returned its entry. */
const IN_FLIGHT_MS = 100;

/**
 * Time that an answer of Redis about a stream counts, in ms: longer than the interval between two checks of a quiet
 * stream, shorter than the silence after which a client gives up a connection.
 */
const CONFIRMED_MS = 8_000;

/**
 * The outcome of a gap: `filled` from Redis, `lost` (Redis no longer holds it), or `reset` (Redis lost newer entries).
 */
export type GapResult = "filled" | "lost" | "reset";

/** How an entry arrived: over Pub/Sub, or by a read of the stream. */
export type EntrySource = "live" | "repair";

export interface StreamStateOptions {
  readonly stream: Stream;
  readonly reader: StreamReader;
  /** Called with every entry once, in order; `prev` is the id of the entry before it, unless something is lost. */
  readonly deliver: (entry: Entry, source: EntrySource) => void;
  readonly onGap: (result: GapResult) => void;
  readonly onError: (error: Error) => void;
}

/**
 * One stream on this node: the id up to which every subscriber here has it. Entries arrive over Pub/Sub, which may lose
 * some; an entry that does not follow the last one starts a read of Redis, and the subscribers get all in order.
 */
export abstract class StreamState {
  readonly stream: Stream;
  protected readonly options: StreamStateOptions;
  protected readonly recent: RecentEntries;
  readonly #reads = new ReadQueue(() => this.#takePending());
  #started = false;
  #pending: Entry[] = [];
  /** True if an entry arrived since the last call of `check`. */
  #active = false;
  /** When Redis last answered where the stream is, by `performance.now()`. */
  #confirmedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StreamStateOptions) {
    this.options = options;
    this.stream = options.stream;
    this.recent = new RecentEntries(options.stream);
  }

  get lastId(): string {
    return this.recent.lastId;
  }

  /** True while Redis is being read. */
  get isReading(): boolean {
    return this.#reads.last !== undefined;
  }

  /**
   * True if Redis answered within the last seconds where the stream is: memory alone cannot tell that it still answers.
   */
  get isConfirmed(): boolean {
    return performance.now() - this.#confirmedAt < CONFIRMED_MS;
  }

  /** The newest entry, if the stream has one. */
  get last(): Entry | undefined {
    return this.recent.last;
  }

  /** Undefined while the stream can be served; else the reason why not. */
  abstract readonly failure: Error | undefined;

  /** The places that heartbeats name. */
  abstract readonly heads: Iterable<Head>;

  /** Returns the messages for a kind of subscriber. */
  abstract view(view: StateView): StreamView;

  /** Ends the timers, if it has any. */
  abstract close(): void;

  /**
   * Starts from what Redis holds and delivers nothing; on a state that has started, waits for the reads under way.
   * Rejects if Redis cannot be read; the next call tries again.
   */
  load(): Promise<void> {
    if (this.#started) return this.#reads.last ?? Promise.resolve();
    return this.#reads.run("load", () => this.readStart());
  }

  /** Starts from nothing: whatever Redis holds of the stream came after the subscribers, and is delivered. */
  startEmpty(): void {
    this.markStarted();
  }

  /** Takes an entry from Pub/Sub: delivers it, queues it during a read, drops a known one, or starts a repair. */
  receive(entry: Entry): void {
    this.#active = true;
    this.#markConfirmed();
    if (this.isReading) {
      if (this.#pending.length < MAXIMUM_PENDING) this.#pending.push(entry);
    } else if (!this.accept(entry)) {
      this.repair().catch(this.options.onError);
    }
  }

  /** Reads what Redis holds after the last id and delivers it. Rejects if Redis cannot be read. */
  repair(): Promise<void> {
    return this.#reads.run("repair", async () => {
      await this.catchUp();
      this.#markConfirmed();
    });
  }

  /**
   * Makes sure that nothing is missing. Resolves with true if a read was needed and found something. Without a newer entry
   * to show a gap, only Redis can tell. Rejects if Redis cannot be read.
   */
  async check(): Promise<boolean> {
    const active = this.#active;
    this.#active = false;
    this.recent.trim();
    return active && !this.isReading ? false : this.confirm();
  }

  /** As `check`, and asks Redis in any case: a client may know of an entry that has not arrived here yet. */
  async confirm(): Promise<boolean> {
    const [top] = await this.options.reader.newest(this.stream, 1);
    this.#markConfirmed();
    const topId = top?.id ?? FIRST_ID;
    const isAhead = compareIds(topId, this.lastId) > 0;
    if (isAhead) await delay(IN_FLIGHT_MS);
    const before = this.lastId;
    if (topId === before || (isAhead && compareIds(topId, before) < 0)) return false;
    await this.repair();
    return this.lastId !== before;
  }

  /** Returns true for an id that this node does not have yet. */
  isAhead(id: string): boolean {
    return compareIds(id, this.lastId) > 0;
  }

  /** Returns true where memory says what follows an id; call `loadHistory` where it does not. */
  reaches(id: string): boolean {
    return this.recent.resume(id) !== undefined;
  }

  /** Reads all that Redis holds, once for all that ask meanwhile. Rejects if Redis cannot be read. */
  loadHistory(): Promise<void> {
    return this.#reads.run("history", async () => {
      const held = await this.options.reader.newest(this.stream, this.historyEntries);
      const position = held.findIndex(({ id }) => id === this.lastId);
      if (position >= 0 || this.lastId === FIRST_ID) {
        this.recent.replace(held.slice(0, position + 1));
        this.recent.markComplete();
        await this.follow(held.slice(position + 1));
      } else {
        await this.catchUp();
        this.recent.markComplete();
      }
      this.#markConfirmed();
    });
  }

  /** Entries that Redis holds of the stream at most. */
  protected get historyEntries(): number {
    return channelDefinition(this.stream.channel).history.entries;
  }

  protected markStarted(): void {
    this.#started = true;
    this.#markConfirmed();
  }

  #markConfirmed(): void {
    this.#confirmedAt = performance.now();
  }

  #takePending(): void {
    const pending = this.#pending;
    this.#pending = [];
    const complete = pending.every((entry) => this.accept(entry));
    if (!complete) this.repair().catch(this.options.onError);
  }

  /** Takes what Redis holds as the start, and calls `markStarted`. */
  protected abstract readStart(): Promise<void>;

  /** Returns true if the entry is dealt with: delivered, or known already. */
  protected abstract accept(entry: Entry): boolean;

  /** Delivers what Redis holds after the last id. */
  protected abstract catchUp(): Promise<void>;

  /** Delivers the entries that Redis holds after the last one. */
  protected abstract follow(entries: readonly Entry[]): void | Promise<void>;

  protected append(entry: Entry, source: EntrySource): void {
    this.recent.append(entry);
    this.options.deliver(entry, source);
  }

  /** Counts a gap that a page of Redis fills. It was none if all arrived over Pub/Sub while Redis was being read. */
  protected reportFilled(page: readonly Entry[]): void {
    const heard = new Set(this.#pending.map(({ id }) => id));
    if (page.some(({ id }) => !heard.has(id))) this.options.onGap("filled");
  }
}
