import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import { watchEnvironment } from "./environment.ts";

/** Time between freshness checks, in ms. */
const FRESHNESS_PERIOD_MS = 1_000;

interface LivenessOptions {
  readonly registry: SubscriptionRegistry;
  readonly staleAfterMs: number;
  /** Returns whether there is a connection on which something could arrive. */
  readonly isConnected: () => boolean;
  /** Probes the connection, or makes one immediately. */
  readonly probe: () => void;
  /** Requests a confirmed subscription again. */
  readonly verify: (subscription: SharedSubscription) => void;
}

/** Detects that nothing arrives any more, and probes the connection: a quiet market and a dead link look the same. */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Subscriptions that became silent and were not requested again since. */
  readonly #silent = new Set<SharedSubscription>();
  #stopWatching: (() => void) | undefined;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#checkFreshness(), FRESHNESS_PERIOD_MS);
  }

  /** Follows the events of the platform, if it has any. Calling it again does nothing. */
  watch(): void {
    const { probe } = this.#options;
    this.#stopWatching ??= watchEnvironment({
      onOnline: probe,
      onOffline: () => this.#silence(),
      onVisible: () => {
        this.#checkFreshness();
        probe();
      },
    });
  }

  /** Ends `watch`. */
  unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  /** Ends the checks and `watch`. */
  stop(): void {
    clearInterval(this.#timer);
    this.unwatch();
  }

  /**
   * Handles the answer to a probe: subscriptions that were silent only because the device was offline are live again. The
   * others receive nothing although the connection works, so they are requested again.
   */
  onAlive(): void {
    const { registry, staleAfterMs, verify } = this.#options;
    const now = Date.now();
    for (const subscription of this.#silent) {
      const isDone = !subscription.health.isSilent || subscription.health.endSilence(now, staleAfterMs);
      if (!isDone && registry.has(subscription)) verify(subscription);
    }
    this.#silent.clear();
  }

  #silence(): void {
    for (const subscription of this.#options.registry.all) {
      if (subscription.health.isSilent) continue;
      subscription.health.markSilent();
      this.#silent.add(subscription);
    }
  }

  #checkFreshness(): void {
    const { registry, staleAfterMs, isConnected, probe } = this.#options;
    if (!isConnected()) return;
    const now = Date.now();
    let isNew = false;
    for (const subscription of registry.all) {
      if (!subscription.canBeHeard || !subscription.health.checkFreshness(now, staleAfterMs)) continue;
      this.#silent.add(subscription);
      isNew = true;
    }
    if (isNew) probe();
  }
}
