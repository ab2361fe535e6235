import type { Cluster, Redis } from "ioredis";
import { type NotReadyReason, reasonOf } from "./not-ready.ts";
import { type Probe, readerProbes } from "./probes.ts";
import type { RedisClock } from "./redis-clock.ts";
import type { ShardedPubSub } from "./sharded-pub-sub.ts";

/** Pause between two rounds of probes, in ms: shorter than `socketTimeout`, which counts from a command without a reply. */
const ROUND_MS = 2_000;

/** The same while something does not answer, in ms: the start of a gateway waits for it. */
const FAST_ROUND_MS = 200;

/** Time for which an answer counts, in ms. */
const FRESH_MS = 5_000;

/** Time after which a probe without an answer is sent again, in ms. */
const LOST_MS = 15_000;

/** Shortest time between two attempts to get away from a replica, in ms. */
const REPLICA_RETRY_MS = 10_000;

interface PulseOptions {
  readonly subscriber: Redis | Cluster;
  readonly reader: Redis | Cluster;
  readonly pubSub: ShardedPubSub;
  readonly clock: RedisClock;
  /** Called with the time until each answer of a primary, in ms. */
  readonly onRoundTrip?: (milliseconds: number) => void;
}

/**
 * Probes Redis periodically over every connection of the gateway: that it answers, what time it is, and that one may
 * subscribe. A connection that only looks open does not answer; ioredis closes it after `socketTimeout`, which counts
 * from a command without a reply.
 */
export class Pulse {
  readonly #options: PulseOptions;
  /** By probe: when it was answered last, or first sent. */
  readonly #answeredAt = new Map<string, number>();
  readonly #unanswered = new Map<string, number>();
  #current: readonly string[] = [];
  #hasAnswered = false;
  #reason: NotReadyReason | undefined;
  #leftReplicaAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #onRound: () => void = () => undefined;

  constructor(options: PulseOptions) {
    this.#options = options;
    for (const connection of [options.subscriber, options.reader]) {
      connection.on("error", this.#learn);
      connection.on("node error", this.#learn);
    }
  }

  /** Starts probing. `onRound` is called after each round, and when the last answer that was missing has come. */
  start(onRound: () => void): void {
    this.#onRound = onRound;
    this.#round();
  }

  /** Undefined while every probe has been answered within the last seconds, else the reason, as far as it is known. */
  get trouble(): NotReadyReason | undefined {
    const now = performance.now();
    const isFresh = this.#current.every((name) => now - (this.#answeredAt.get(name) ?? 0) < FRESH_MS);
    if (this.#hasAnswered && isFresh) return undefined;
    return this.#reason ?? "redis_silent";
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Keeps the more specific reason: after a refused password there are errors that say only that there is no connection. */
  readonly #learn = (error: unknown): void => {
    this.#reason = reasonOf(error) ?? this.#reason;
    if (this.#reason === "replica") this.#leaveReplica();
  };

  #probes(): Probe[] {
    const { reader, pubSub, clock, onRoundTrip } = this.#options;
    return [...readerProbes(reader, { clock, onRoundTrip }), ...pubSub.probes()];
  }

  #round(): void {
    const probes = this.#probes();
    this.#current = probes.map(({ name }) => name);
    for (const name of this.#answeredAt.keys()) if (!this.#current.includes(name)) this.#answeredAt.delete(name);
    for (const probe of probes) this.#send(probe);
    this.#onRound();
    if (this.#isStopped) return;
    const pause = this.trouble === undefined ? ROUND_MS : FAST_ROUND_MS;
    this.#timer = setTimeout(() => this.#round(), pause);
    this.#timer.unref();
  }

  #send({ name, run }: Probe): void {
    const now = performance.now();
    // A connection that appears with a new shard has time to answer; at the start nothing has answered yet.
    if (this.#hasAnswered && !this.#answeredAt.has(name)) this.#answeredAt.set(name, now);
    if (now - (this.#unanswered.get(name) ?? Number.NEGATIVE_INFINITY) < LOST_MS) return;
    this.#unanswered.set(name, now);
    const settle = (): boolean => this.#unanswered.get(name) === now && this.#unanswered.delete(name);
    run().then(
      () => {
        settle();
        this.#answeredAt.set(name, performance.now());
        this.#noticeReadiness();
      },
      (error: unknown) => {
        settle();
        this.#learn(error);
      },
    );
  }

  #noticeReadiness(): void {
    // A cluster's primaries are known only once it has answered: they have to answer as well before the start is over.
    if (!this.#hasAnswered) this.#current = this.#probes().map(({ name }) => name);
    const now = performance.now();
    const isFresh = (name: string): boolean =>
      now - (this.#answeredAt.get(name) ?? Number.NEGATIVE_INFINITY) < FRESH_MS;
    if (!this.#current.every(isFresh) || (this.#hasAnswered && this.#reason === undefined)) return;
    this.#hasAnswered = true;
    this.#reason = undefined;
    this.#onRound();
  }

  /** Reconnects: the address may lead to the new primary by now, a kept connection does not. */
  #leaveReplica(): void {
    const { reader, subscriber } = this.#options;
    const now = performance.now();
    if (now - this.#leftReplicaAt < REPLICA_RETRY_MS) return;
    this.#leftReplicaAt = now;
    for (const connection of [reader, subscriber]) connection.disconnect(true);
  }
}
