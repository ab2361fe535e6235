import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";
import { type NotReadyReason, notReadyReasons } from "./redis/not-ready.ts";

/** Shortest time between two log lines with the same reason, in ms. */
const REPEAT_MS = 60_000;

interface ReadinessOptions {
  readonly isAdmitting: () => boolean;
  readonly isFull: () => boolean;
  /** Returns undefined while Redis answers. */
  readonly redisTrouble: () => NotReadyReason | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The address of Redis, for the log. */
  readonly redisAddress: string | undefined;
}

/** The gateway's readiness and the reason if it is not ready, which it reports in log and metrics. */
export class Readiness {
  readonly #options: ReadinessOptions;
  #hasBeenReady = false;
  #logged: NotReadyReason | "ready" | undefined;
  readonly #loggedAt = new Map<NotReadyReason | "ready", number>();

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** The reason for which clients cannot be served; undefined while they can. */
  get reason(): NotReadyReason | undefined {
    const { isAdmitting, isFull, redisTrouble } = this.#options;
    return redisTrouble() ?? (isAdmitting() ? undefined : "draining") ?? (isFull() ? "full" : undefined);
  }

  /** True if the gateway has been ready since it started. */
  get hasBeenReady(): boolean {
    if (this.reason === undefined) this.#hasBeenReady = true;
    return this.#hasBeenReady;
  }

  /** Updates the metrics, and logs the state if it has changed. */
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
      const message = hasBeenReady ? "no longer ready" : "not ready yet";
      logger.warn({ reason, redis: redisAddress }, `${message}: ${notReadyReasons[reason]}`);
    }
  }
}
