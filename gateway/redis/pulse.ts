import type { Cluster, Redis } from "ioredis";
import { type NotReadyReason, reasonOf } from "./not-ready.ts";
import { type Question, readerQuestions } from "./questions.ts";
import type { RedisClock } from "./redis-clock.ts";
import type { ShardedPubSub } from "./sharded-pub-sub.ts";

/** Pause between two rounds of questions, in ms: often enough that a connection's own limit on silence has something to wait for. */
const ROUND_MS = 2_000;

/** The same while something does not answer: who waits for a gateway to start waits for this. */
const IMPATIENT_ROUND_MS = 200;

/** How long an answer counts, in ms. */
const FRESH_MS = 5_000;

/** After this a question without an answer is taken for lost, and asked again. */
const LOST_MS = 15_000;

/** Shortest time between two attempts to get away from a replica, in ms. */
const REPLICA_RETRY_MS = 10_000;

interface PulseOptions {
  readonly subscriber: Redis | Cluster;
  readonly reader: Redis | Cluster;
  readonly pubSub: ShardedPubSub;
  readonly clock: RedisClock;
}

/**
 * Asks Redis, again and again, over every connection that the gateway lives on: whether it answers, what time it is and
 * whether one may subscribe. A connection that only looks open does not answer; it is closed by the limit on its silence
 * (`socketTimeout`), which counts from a question.
 */
export class Pulse {
  readonly #options: PulseOptions;
  /** By question: when it was answered last, or first asked. */
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

  /** Begins to ask. `onRound` is called after each round, and when the last answer that was missing has come. */
  start(onRound: () => void): void {
    this.#onRound = onRound;
    this.#round();
  }

  /** Undefined while everything has answered within the last seconds, else why it does not, as far as one can tell. */
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

  /** Keeps what tells more: after a refused password there are errors that say only that there is no connection. */
  readonly #learn = (error: unknown): void => {
    this.#reason = reasonOf(error) ?? this.#reason;
    if (this.#reason === "replica") this.#leaveReplica();
  };

  #questions(): Question[] {
    const { reader, pubSub, clock } = this.#options;
    return [...readerQuestions(reader, clock), ...pubSub.questions()];
  }

  #round(): void {
    const questions = this.#questions();
    this.#current = questions.map(({ name }) => name);
    for (const name of this.#answeredAt.keys()) if (!this.#current.includes(name)) this.#answeredAt.delete(name);
    for (const question of questions) this.#ask(question);
    this.#onRound();
    if (this.#isStopped) return;
    const pause = this.trouble === undefined ? ROUND_MS : IMPATIENT_ROUND_MS;
    this.#timer = setTimeout(() => this.#round(), pause);
    this.#timer.unref();
  }

  #ask({ name, ask }: Question): void {
    const now = performance.now();
    // A connection that appears with a new shard has its time to answer; at the start nothing has answered yet.
    if (this.#hasAnswered && !this.#answeredAt.has(name)) this.#answeredAt.set(name, now);
    if (now - (this.#unanswered.get(name) ?? Number.NEGATIVE_INFINITY) < LOST_MS) return;
    this.#unanswered.set(name, now);
    const settle = (): boolean => this.#unanswered.get(name) === now && this.#unanswered.delete(name);
    ask().then(
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
    if (!this.#hasAnswered) this.#current = this.#questions().map(({ name }) => name);
    const now = performance.now();
    const isFresh = (name: string): boolean =>
      now - (this.#answeredAt.get(name) ?? Number.NEGATIVE_INFINITY) < FRESH_MS;
    if (!this.#current.every(isFresh) || (this.#hasAnswered && this.#reason === undefined)) return;
    this.#hasAnswered = true;
    this.#reason = undefined;
    this.#onRound();
  }

  /** The address may lead to the new primary by now; a kept connection does not. */
  #leaveReplica(): void {
    const { reader, subscriber } = this.#options;
    const now = performance.now();
    if (now - this.#leftReplicaAt < REPLICA_RETRY_MS) return;
    this.#leftReplicaAt = now;
    for (const connection of [reader, subscriber]) connection.disconnect(true);
  }
}
