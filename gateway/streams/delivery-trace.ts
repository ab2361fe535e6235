import { timeOf } from "../../contract/ids.ts";
import { type Entry, traceparentOf } from "../../kernel/streams/entry.ts";
import { preciseNow, type TracedSpan, type Tracer } from "../../kernel/tracing/tracer.ts";

/** Entries that wait for their flush at most; more are not traced. */
const MAXIMUM_WAITING = 1_000;

interface Waiting {
  readonly entry: Entry;
  readonly traceparent: string;
  readonly receivedMs: number;
}

interface DeliveryTraceOptions {
  readonly tracer: Tracer;
  /** Returns the time by Redis, which ids are from, in ms since 1970; undefined while it is not known. */
  readonly redisNow: () => number | undefined;
}

/**
 * Records the way of the traced entries through this gateway: from Redis, to the next flush, and onto the sockets. A client
 * with `maxRate`, or one that reads slowly, gets them later than that.
 */
export class DeliveryTrace {
  readonly #options: DeliveryTraceOptions;
  #waiting: Waiting[] = [];
  #flushingSince = 0;

  constructor(options: DeliveryTraceOptions) {
    this.#options = options;
  }

  /** Notes an entry that has come from Redis, before it is handed to the fan-out. */
  received(entry: Entry): void {
    const traceparent = traceparentOf(entry);
    if (traceparent === undefined || this.#waiting.length >= MAXIMUM_WAITING) return;
    // It comes once in its own room and once in the whole channel's.
    if (this.#waiting.some((each) => each.entry.id === entry.id && each.traceparent === traceparent)) return;
    this.#waiting.push({ entry, traceparent, receivedMs: preciseNow() });
  }

  flushing(): void {
    if (this.#waiting.length > 0) this.#flushingSince = preciseNow();
  }

  flushed(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const endMs = preciseNow();
    for (const each of waiting) this.#record(each, endMs);
  }

  #record({ entry, traceparent, receivedMs }: Waiting, endMs: number): void {
    const { channel, marketId, id } = entry;
    const attributes: Record<string, string> = { "vezta.channel": channel, "vezta.id": id };
    if (marketId !== undefined) attributes["vezta.market"] = marketId;
    const record = (span: TracedSpan): void => this.#options.tracer.record(traceparent, { ...span, attributes });
    const flushMs = Math.max(receivedMs, this.#flushingSince);
    record({ name: "redis pub/sub", startMs: Math.min(this.#writtenMs(id), receivedMs), endMs: receivedMs });
    record({ name: "gateway queue", startMs: receivedMs, endMs: flushMs });
    record({ name: "gateway write", startMs: flushMs, endMs });
  }

  /** Returns when Redis gave an id, by this process's clock. */
  #writtenMs(id: string): number {
    const { redisNow } = this.#options;
    return timeOf(id) - ((redisNow() ?? preciseNow()) - preciseNow());
  }
}
