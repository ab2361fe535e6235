import { setTimeout as delay } from "node:timers/promises";
import { channelDefinition } from "../../contract/channels.ts";
import { compareIds, FIRST_ID } from "../../contract/ids.ts";
import type { Stream } from "../../contract/stream.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import type { StreamReader } from "../../kernel/streams/stream-reader.ts";
import { compareWithHeld } from "./compare-with-held.ts";

/** Entries kept in memory per stream, to answer resumes and to know repeats: `latest` and the other classes. */
const KEPT_LATEST = 8;
const KEPT_ORDERED = 64;

/** Entries that may wait for a read to end. More are dropped: they are in Redis, and the next read has them. */
const MAXIMUM_PENDING = 1_000;

/** Entries per read of a repair. */
const PAGE = 500;

/** How long the whole history stays in memory after a resume asked for it, in ms. */
const HISTORY_LIFETIME_MS = 10_000;

/** How long a message may be on its way over Pub/Sub while a read, on another connection, shows its entry, in ms. */
const IN_FLIGHT_MS = 100;

/**
 * How long a word of Redis about a stream counts, in ms: longer than the checks of a quiet stream are apart, shorter
 * than what a client takes for silence.
 */
const CONFIRMED_MS = 8_000;

/** How a hole ended: `filled` from Redis, `lost` (Redis holds it no longer), or `reset` (Redis lost newer entries). */
export type HoleResult = "filled" | "lost" | "reset";

type Task = "load" | "repair" | "history";

interface StreamStateOptions {
  readonly stream: Stream;
  readonly reader: StreamReader;
  /** Gets every entry once, in order; `prev` is the id of the one it got before, unless something is lost. */
  readonly deliver: (entry: Entry, source: "live" | "repair") => void;
  readonly onHole: (result: HoleResult) => void;
  readonly onError: (error: Error) => void;
}

/** What came after an id, and whether that is all of it. */
export interface Resume {
  readonly entries: readonly Entry[];
  readonly recovered: boolean;
}

/**
 * What this node knows of one stream: the id up to which every subscriber here has it. Entries come from Pub/Sub, which
 * may lose some; whatever does not follow the last one makes it read Redis, and the subscribers get all in order.
 */
export class StreamState {
  readonly stream: Stream;
  readonly #options: StreamStateOptions;
  readonly #isLatest: boolean;
  /** Contiguous, the newest last; its last entry has the id `lastId`. */
  #entries: Entry[] = [];
  #lastId = FIRST_ID;
  #started = false;
  /** Until when `#entries` is all that Redis holds, by `performance.now()`. */
  #completeUntil = Number.NEGATIVE_INFINITY;
  #pending: Entry[] = [];
  /** The last of the reads that wait or run, one after the other. */
  #reading: Promise<void> | undefined;
  readonly #shared = new Map<Task, Promise<void>>();
  /** Whether an entry came since the last call of `check`. */
  #active = false;
  /** When Redis last said where the stream is, by `performance.now()`. */
  #confirmedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StreamStateOptions) {
    this.#options = options;
    this.stream = options.stream;
    this.#isLatest = channelDefinition(options.stream.channel).delivery === "latest";
  }

  get lastId(): string {
    return this.#lastId;
  }

  /** Whether Redis is being read. */
  get isReading(): boolean {
    return this.#reading !== undefined;
  }

  /** Whether Redis has said within the last seconds where the stream is: memory alone cannot tell that it still answers. */
  get isConfirmed(): boolean {
    return performance.now() - this.#confirmedAt < CONFIRMED_MS;
  }

  /** The newest entry, if the stream has one. */
  get last(): Entry | undefined {
    return this.#entries.at(-1);
  }

  /**
   * Starts from what Redis holds, nothing is delivered; on a state that has started, waits for what it is reading.
   * Rejects where Redis cannot be read; the next call tries again.
   */
  load(): Promise<void> {
    if (this.#started) return this.#reading ?? Promise.resolve();
    return this.#read("load", async () => {
      const kept = this.#kept;
      this.#replace(await this.#options.reader.newest(this.stream, kept));
      this.#started = true;
      // Fewer than asked for is all that there is.
      if (this.#entries.length < kept) this.#completeUntil = performance.now() + HISTORY_LIFETIME_MS;
    });
  }

  /** Starts from nothing: whatever Redis holds of the stream came after the subscribers, and is delivered. */
  startEmpty(): void {
    this.#started = true;
    this.#confirm();
  }

  /** Takes an entry from Pub/Sub: delivers it, waits with it, drops it as known, or starts a repair. */
  receive(entry: Entry): void {
    this.#active = true;
    this.#confirm();
    if (this.#reading) {
      if (this.#pending.length < MAXIMUM_PENDING) this.#pending.push(entry);
    } else if (!this.#accept(entry)) {
      this.repair().catch(this.#options.onError);
    }
  }

  /** Reads what Redis holds after the last id and delivers it. Rejects where Redis cannot be read. */
  repair(): Promise<void> {
    return this.#read("repair", () => this.#catchUp());
  }

  /**
   * Makes sure that nothing is missing, and resolves with whether that took a read that found something. Without a
   * newer entry to show a hole, only Redis can tell. Rejects where Redis cannot be read.
   */
  async check(): Promise<boolean> {
    const active = this.#active;
    this.#active = false;
    this.#trim();
    return active && !this.#reading ? false : this.confirm();
  }

  /** As `check`, and asks Redis in any case: a client may know of an entry that has not come here yet. */
  async confirm(): Promise<boolean> {
    const [top] = await this.#options.reader.newest(this.stream, 1);
    this.#confirm();
    const topId = top?.id ?? FIRST_ID;
    const isAhead = compareIds(topId, this.#lastId) > 0;
    if (isAhead) await delay(IN_FLIGHT_MS);
    const before = this.#lastId;
    if (topId === before || (isAhead && compareIds(topId, before) < 0)) return false;
    await this.repair();
    return this.#lastId !== before;
  }

  /** What came after an id, or undefined where memory does not reach back: then call `loadHistory` first. */
  resume(id: string): Resume | undefined {
    if (id === this.#lastId) return { entries: [], recovered: true };
    if (this.#isLatest) return this.#resumeLatest(id);
    const index = this.#entries.findIndex(({ prev }) => prev === id);
    if (index >= 0) return { entries: this.#entries.slice(index), recovered: true };
    return performance.now() < this.#completeUntil ? { entries: this.#entries, recovered: false } : undefined;
  }

  /** Reads all that Redis holds, once for all who ask meanwhile. Rejects where Redis cannot be read. */
  loadHistory(): Promise<void> {
    return this.#read("history", async () => {
      const { entries: maximum } = channelDefinition(this.stream.channel).history;
      const held = await this.#options.reader.newest(this.stream, maximum);
      const position = held.findIndex(({ id }) => id === this.#lastId);
      if (position >= 0 || this.#lastId === FIRST_ID) {
        this.#entries = held.slice(0, position + 1);
        this.#completeUntil = performance.now() + HISTORY_LIFETIME_MS;
        for (const entry of held.slice(position + 1)) this.#append(entry, "repair");
      } else {
        await this.#catchUp();
        this.#completeUntil = performance.now() + HISTORY_LIFETIME_MS;
      }
    });
  }

  #confirm(): void {
    this.#confirmedAt = performance.now();
  }

  get #kept(): number {
    return this.#isLatest ? KEPT_LATEST : KEPT_ORDERED;
  }

  #resumeLatest(id: string): Resume {
    const last = this.last;
    if (!last) return { entries: [], recovered: false };
    if (compareIds(id, last.id) > 0) return { entries: [last], recovered: false };
    return { entries: [{ ...last, prev: id }], recovered: true };
  }

  /** One read at a time, while Pub/Sub waits; those who ask for the same meanwhile share it. */
  #read(task: Task, run: () => Promise<void>): Promise<void> {
    const shared = this.#shared.get(task);
    if (shared) return shared;
    const previous = this.#reading ?? Promise.resolve();
    const reading = previous
      .catch(() => undefined)
      .then(run)
      .then(() => this.#confirm())
      .finally(() => {
        this.#shared.delete(task);
        if (this.#reading !== reading) return;
        this.#reading = undefined;
        this.#takePending();
      });
    this.#reading = reading;
    this.#shared.set(task, reading);
    return reading;
  }

  #takePending(): void {
    const pending = this.#pending;
    this.#pending = [];
    const complete = pending.every((entry) => this.#accept(entry));
    if (!complete) this.repair().catch(this.#options.onError);
  }

  /** Whether the entry is dealt with: delivered, or known already. */
  #accept(entry: Entry): boolean {
    if (entry.prev === this.#lastId) {
      this.#append(entry, "live");
      return true;
    }
    if (this.#entries.some(({ id }) => id === entry.id)) return true;
    if (!this.#isLatest || compareIds(entry.id, this.#lastId) < 0) return false;
    this.#append({ ...entry, prev: this.#lastId }, "live");
    return true;
  }

  #append(entry: Entry, source: "live" | "repair"): void {
    this.#lastId = entry.id;
    this.#entries.push(entry);
    this.#trim();
    this.#options.deliver(entry, source);
  }

  #trim(): void {
    const complete = performance.now() < this.#completeUntil;
    const maximum = complete ? channelDefinition(this.stream.channel).history.entries : this.#kept;
    if (this.#entries.length > maximum) this.#entries.splice(0, this.#entries.length - maximum);
  }

  #replace(entries: Entry[]): void {
    this.#entries = entries;
    this.#lastId = entries.at(-1)?.id ?? FIRST_ID;
  }

  async #catchUp(): Promise<void> {
    const { reader } = this.#options;
    let page = await reader.after(this.stream, this.#lastId, PAGE);
    const [first] = page;
    if (!first || (first.prev !== this.#lastId && !this.#isLatest)) return this.#reconcile();
    this.#fill(page);
    while (page.length === PAGE) {
      page = await reader.after(this.stream, this.#lastId, PAGE);
      for (const entry of page) this.#append(entry, "repair");
    }
  }

  /** Delivers what goes on from our last entry. It was no hole if all came over Pub/Sub while Redis was being read. */
  #fill(page: readonly Entry[]): void {
    const [first, ...others] = page;
    if (!first) return;
    const heard = new Set(this.#pending.map(({ id }) => id));
    if (page.some(({ id }) => !heard.has(id))) this.#options.onHole("filled");
    this.#append(this.#isLatest ? { ...first, prev: this.#lastId } : first, "repair");
    for (const entry of others) this.#append(entry, "repair");
  }

  /**
   * Redis does not go on from our last entry. Either it lost that one (and perhaps went on elsewhere), or what followed
   * is trimmed. Subscribers get what comes after the last entry in common, with its own `prev`, so that they see it.
   */
  async #reconcile(): Promise<void> {
    const held = await this.#options.reader.newest(this.stream, channelDefinition(this.stream.channel).history.entries);
    if ((held.at(-1)?.id ?? FIRST_ID) === this.#lastId) return;
    const { start, newer, isOurs } = compareWithHeld(this.#entries, this.#lastId, held);
    // It does, with an entry that was written since the read that found nothing.
    if (newer >= 0 && (this.#isLatest || held[newer]?.prev === this.#lastId)) return this.#fill(held.slice(newer));
    this.#options.onHole(isOurs ? "lost" : "reset");
    this.#replace(held.slice(0, start));
    for (const entry of held.slice(start)) this.#append(entry, "repair");
  }
}
