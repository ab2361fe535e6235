import { setTimeout as delay } from "node:timers/promises";
import type { ChannelMessage } from "../contract/domain-events.ts";
import { InvalidMessageError, type Publisher, type PublishOutcome } from "../kernel/streams/publisher.ts";
import { attempt, type Item, nextBatch } from "./feed-batch.ts";
import { createMessage, type DrillStream, type EntityState } from "./messages.ts";
import { until } from "./until.ts";

const TICK_MS = 20;

/** Time that an event source waits before it offers a failed event again, in ms. */
const RETRY_MS = 100;

/** Time that a message may be refused as invalid, in ms: a clock that jumps makes valid times invalid for a while. */
const INVALID_MS = 20_000;

/** Longest that Redis may take for what is left when the feed stops, in ms. */
const ACKNOWLEDGE_TIMEOUT_MS = 240_000;

/** Messages of a stream that a redelivery brings again. */
const REDELIVERED = 20;

/** Messages of a stream between two calls of `reset`: fewer than the shortest history, so that all can be compared. */
const MAXIMUM_PER_ROUND = 250;

/** A message that the publisher acknowledged. */
export interface Acknowledged {
  readonly message: ChannelMessage;
  /** Time when it was first given to a publisher, in ms since 1970: Redis may hold it from then on. */
  readonly offeredAt: number;
  /** Time when it was acknowledged, in ms since 1970. */
  readonly at: number;
  /** True if it was refused because something newer was there already. */
  readonly isStale: boolean;
}

/** One stream's messages: one batch under way at a time, so that order holds over retries. */
interface Line {
  readonly stream: DrillStream;
  readonly queue: Item[];
  readonly recent: ChannelMessage[];
  /** By number, since the last `reset`. */
  acknowledged: Map<number, Acknowledged>;
  next: number;
  /** The newest time that a message has; the next one's is later. */
  lastTime: number;
  /** Time since which the oldest message is refused as invalid, in ms since 1970. */
  invalidSince: number | undefined;
  isBusy: boolean;
}

interface FeedOptions {
  readonly streams: readonly DrillStream[];
  /** At least two: a redelivery comes to both at the same time. */
  readonly publishers: readonly Publisher[];
  /** Writes entries, but may not publish them. */
  readonly mutePublisher: Publisher;
  /** Returns the number of gateways that are subscribed to a stream. */
  readonly countSubscribers: (stream: DrillStream) => Promise<number>;
  /** Messages a second, over all streams. */
  readonly rate: number;
}

/** Publishes numbered messages at a steady rate, and offers again what failed, as the event sources do. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #lines: readonly Line[];
  #timer: NodeJS.Timeout | undefined;
  #cursor = 0;
  #failure: Error | undefined;
  /** True if every batch is given to two publishers at once, with events that were published already. */
  isRedelivering = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#lines = options.streams.map((stream) => ({
      ...{ stream, queue: [], recent: [], next: 1, isBusy: false, lastTime: 0, invalidSince: undefined },
      acknowledged: new Map<number, Acknowledged>(),
    }));
  }

  /** Messages acknowledged since the last `reset`. */
  get published(): number {
    return this.#lines.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  }

  acknowledgedOf({ name }: Pick<DrillStream, "name">): ReadonlyMap<number, Acknowledged> {
    return this.#line(name).acknowledged;
  }

  /** Forgets what was acknowledged. */
  reset(): void {
    for (const line of this.#lines) line.acknowledged = new Map();
  }

  start(): void {
    let due = 0;
    let last = Date.now();
    this.#timer = setInterval(() => {
      const now = Date.now();
      due += ((now - last) * this.#options.rate) / 1_000;
      last = now;
      for (; due >= 1; due -= 1) this.#add();
    }, TICK_MS);
  }

  /**
   * Makes no new messages and resolves once everything made is acknowledged.
   *
   * @throws InvalidMessageError where a message is refused as invalid for long, or an Error where Redis
   *   does not take them all.
   */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await until("every message acknowledged", ACKNOWLEDGE_TIMEOUT_MS, () => {
      if (this.#failure) throw this.#failure;
      return this.#lines.every(({ queue, isBusy }) => queue.length === 0 && !isBusy);
    });
  }

  /** Ends at once, whatever is under way. */
  abandon(): void {
    clearInterval(this.#timer);
    for (const { queue } of this.#lines) queue.length = 0;
  }

  /**
   * Puts one message into a stream that is written and acknowledged but never published. Resolves with its number and
   * with how many gateways should have heard of it; 0 where Redis could not be reached for it.
   */
  inject(stream: DrillStream): Promise<{ readonly number: number; readonly gateways: number }> {
    const line = this.#line(stream.name);
    const number = line.next;
    return new Promise((resolve) => this.#push(line, (gateways) => resolve({ number, gateways })));
  }

  /** Offers states of entities in the order given, which need not be that of their times. Resolves once they are out. */
  async offer(stream: DrillStream, states: readonly EntityState[]): Promise<void> {
    const line = this.#line(stream.name);
    const first = line.next;
    for (const state of states) this.#push(line, undefined, state);
    await until(`${states.length} states of ${stream.name} acknowledged`, ACKNOWLEDGE_TIMEOUT_MS, () =>
      states.every((_, index) => line.acknowledged.has(first + index)),
    );
  }

  #line(name: string): Line {
    const line = this.#lines.find(({ stream }) => stream.name === name);
    if (!line) throw new Error(`the drill does not feed ${name}`);
    return line;
  }

  #add(): void {
    const line = this.#lines[this.#cursor];
    this.#cursor = (this.#cursor + 1) % this.#lines.length;
    if (line && line.acknowledged.size + line.queue.length < MAXIMUM_PER_ROUND) this.#push(line);
  }

  #push(line: Line, onMuted?: (subscribers: number) => void, state?: EntityState): void {
    const number = line.next;
    line.next += 1;
    line.lastTime = Math.max(Date.now(), line.lastTime + 1);
    line.queue.push({ number, message: createMessage(line.stream, number, state ?? { time: line.lastTime }), onMuted });
    if (!line.isBusy)
      this.#flush(line).catch((error: Error) => {
        this.#failure = error;
      });
  }

  async #flush(line: Line): Promise<void> {
    line.isBusy = true;
    try {
      while (line.queue.length > 0) {
        const batch = nextBatch(line.queue);
        const [first] = batch;
        const now = Date.now();
        for (const item of batch) item.offeredAt ??= now;
        const subscribers = first?.onMuted ? await this.#writeMuted(line.stream, first) : 0;
        const messages = batch.map(({ message }) => message);
        const outcomes = await this.#publish(line, messages);
        assertValid(line, outcomes);
        const done = this.#settle(line, batch, outcomes);
        // A duplicate now means that the muted publisher did write it.
        if (done > 0) first?.onMuted?.(outcomes[0]?.status === "duplicate" ? subscribers : 0);
        if (done < batch.length) await delay(RETRY_MS);
      }
    } finally {
      line.isBusy = false;
    }
  }

  /** Takes what is out off the queue. Returns how many that are. */
  #settle(line: Line, batch: readonly Item[], outcomes: readonly PublishOutcome[]): number {
    const failed = outcomes.findIndex(({ status }) => status === "failed");
    const done = failed < 0 ? batch.length : failed;
    const at = Date.now();
    for (const [index, { number, message, offeredAt = at }] of line.queue.splice(0, done).entries()) {
      line.acknowledged.set(number, { message, offeredAt, at, isStale: outcomes[index]?.status === "stale" });
      line.recent.push(message);
    }
    line.recent.splice(0, line.recent.length - REDELIVERED);
    return done;
  }

  async #writeMuted(stream: DrillStream, { message }: Item): Promise<number> {
    const subscribers = await this.#options.countSubscribers(stream).catch(() => 0);
    await attempt(this.#options.mutePublisher, [message]);
    return subscribers;
  }

  async #publish(line: Line, batch: readonly ChannelMessage[]): Promise<readonly PublishOutcome[]> {
    const [publisher, ...others] = this.#options.publishers;
    if (!publisher) throw new Error("the feed has no publisher");
    if (!this.isRedelivering) return attempt(publisher, batch);
    const old = [...line.recent];
    const [outcomes = [], ...again] = await Promise.all([
      attempt(publisher, batch),
      ...others.map((other) => attempt(other, batch)),
      ...this.#options.publishers.map(async (each) => void (await attempt(each, old))),
    ]);
    return outcomes.map((outcome, index) =>
      outcome.status === "failed"
        ? (again.find((other) => other?.[index]?.status !== "failed")?.[index] ?? outcome)
        : outcome,
    );
  }
}

/** @throws InvalidMessageError where the oldest message has been refused as invalid for long. */
function assertValid(line: Line, [first]: readonly PublishOutcome[]): void {
  const isInvalid = first?.status === "failed" && first.error instanceof InvalidMessageError;
  line.invalidSince = isInvalid ? (line.invalidSince ?? Date.now()) : undefined;
  if (isInvalid && Date.now() - (line.invalidSince ?? 0) > INVALID_MS) throw first.error;
}
