import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";
import { type NotReadyReason, notReadyReasons } from "./redis/not-ready.ts";

/** Shortest time between two log lines with the same reason, in ms. */
const REPEAT_MS = 60_000;

interface ReadinessOptions {
  readonly isAdmitting: () => boolean;
  readonly isFull: () => boolean;
  /** Undefined while Redis answers. */
  readonly redisTrouble: () => NotReadyReason | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Where Redis is, for the log. */
  readonly redisAddress: string | undefined;
}

/** Whether clients can connect and be served just now, whether they ever could, and why not; says so in log and metrics. */
export class Readiness {
  readonly #options: ReadinessOptions;
  #hasBeenReady = false;
  #logged: NotReadyReason | "ready" | undefined;
  readonly #loggedAt = new Map<NotReadyReason | "ready", number>();

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Undefined while clients can connect and be served. */
  get reason(): NotReadyReason | undefined {
    const { isAdmitting, isFull, redisTrouble } = this.#options;
    return redisTrouble() ?? (isAdmitting() ? undefined : "draining") ?? (isFull() ? "full" : undefined);
  }

  /** Whether the gateway has been ready since it started. */
  get hasBeenReady(): boolean {
    if (this.reason === undefined) this.#hasBeenReady = true;
    return this.#hasBeenReady;
  }

  /** Brings metrics and log up to date. */
  report(): void {
    const { metrics } = this.#options;
    const { reason, hasBeenReady } = this;
    metrics.ready.set(reason === undefined ? 1 : 0);
    metrics.notReadyReason.reset();
    if (reason !== undefined) metrics.notReadyReason.set({ reason }, 1);
    this.#log(reason, hasBeenReady);
  }

  #log(reason: NotReadyReason | undefined, hasBeenReady: boolean): void {
    const { logger, redisAddress } = this.#options;
    const state = reason ?? "ready";
    const now = performance.now();
    const isSoon = now - (this.#loggedAt.get(state) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS;
    if (state === this.#logged || isSoon) return;
    this.#logged = state;
    this.#loggedAt.set(state, now);
    if (reason === undefined) logger.info("ready");
    else {
      const message = hasBeenReady ? "not ready any more" : "not ready yet";
      logger.warn({ reason, redis: redisAddress }, `${message}: ${notReadyReasons[reason]}`);
    }
  }
}
