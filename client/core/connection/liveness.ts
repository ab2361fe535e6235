import type { SharedSubscription } from "../subscriptions/shared-subscription.ts";
import type { SubscriptionRegistry } from "../subscriptions/subscription-registry.ts";
import { watchEnvironment } from "./environment.ts";

/** How often freshness is looked at, in ms. */
const FRESHNESS_PERIOD_MS = 1_000;

interface LivenessOptions {
  readonly registry: SubscriptionRegistry;
  readonly staleAfterMs: number;
  /** Whether there is a connection that something could be heard on. */
  readonly isConnected: () => boolean;
  /** Asks the connection for a sign of life, or makes one at once. */
  readonly probe: () => void;
  /** Asks for a subscription once more that counts as confirmed. */
  readonly verify: (subscription: SharedSubscription) => void;
}

/** Finds out that nothing comes any more, and asks why: the silence of a market and that of a dead link look the same. */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Those that are silent, and have not been asked for once more since. */
  readonly #silent = new Set<SharedSubscription>();
  #stopWatching: (() => void) | undefined;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#checkFreshness(), FRESHNESS_PERIOD_MS);
  }

  /** Follows the platform's events, where it has any. Calling it again does nothing. */
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

  unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.unwatch();
  }

  /**
   * The connection has answered: what had only come to be silent because the device was offline is live. The others get
   * nothing although the connection lives, so the service is asked for them once more.
   */
  onAlive(): void {
    const { registry, staleAfterMs, verify } = this.#options;
    const now = Date.now();
    for (const subscription of this.#silent) {
      const isDone = !subscription.conditions.isSilent || subscription.conditions.endSilence(now, staleAfterMs);
      if (!isDone && registry.has(subscription)) verify(subscription);
    }
    this.#silent.clear();
  }

  #silence(): void {
    for (const subscription of this.#options.registry.all) {
      if (subscription.conditions.isSilent) continue;
      subscription.conditions.silence();
      this.#silent.add(subscription);
    }
  }

  #checkFreshness(): void {
    const { registry, staleAfterMs, isConnected, probe } = this.#options;
    if (!isConnected()) return;
    const now = Date.now();
    let isNew = false;
    for (const subscription of registry.all) {
      if (!subscription.canBeHeard || !subscription.conditions.checkFreshness(now, staleAfterMs)) continue;
      this.#silent.add(subscription);
      isNew = true;
    }
    if (isNew) probe();
  }
}
