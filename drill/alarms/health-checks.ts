import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** Answers in a row after which a target counts as unhealthy, and as healthy again: as in `infra/constructs/load-balancer.ts`. */
const UNHEALTHY_AFTER = 3;
const HEALTHY_AFTER = 2;

/** Longest wait for an answer, in ms. */
const TIMEOUT_MS = 5_000;

/** A gateway behind the load balancer. */
export interface Target {
  readonly url: string;
  readonly process: ChildProcess;
}

interface CheckedTarget extends Target {
  /** `initial` until the first answers say which it is: it counts for neither. */
  state: "initial" | "healthy" | "unhealthy";
  /** Answers of one kind in a row. */
  good: number;
  bad: number;
}

function count(target: CheckedTarget, isGood: boolean): void {
  target.good = isGood ? target.good + 1 : 0;
  target.bad = isGood ? 0 : target.bad + 1;
  // After its registration a target must pass one check.
  if (target.good >= (target.state === "initial" ? 1 : HEALTHY_AFTER)) target.state = "healthy";
  if (target.bad >= UNHEALTHY_AFTER) target.state = "unhealthy";
}

/**
 * The health checks of an Application Load Balancer, by its documents: real requests to `/healthz`, counted as it counts
 * them. Stands in for it, and for ECS, which deregisters a task at once when its process ends.
 */
export class HealthChecks {
  readonly #intervalMs: number;
  readonly #targets = new Set<CheckedTarget>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  register(target: Target): void {
    const checked: CheckedTarget = { ...target, state: "initial", good: 0, bad: 0 };
    this.#targets.add(checked);
    target.process.once("exit", () => this.#targets.delete(checked));
    void this.#check(checked);
  }

  /** Takes a target out, as ECS does before it stops a task. */
  deregister(url: string): void {
    for (const target of this.#targets) if (target.url === url) this.#targets.delete(target);
  }

  count(state: "healthy" | "unhealthy"): number {
    return [...this.#targets].filter((target) => target.state === state).length;
  }

  get size(): number {
    return this.#targets.size;
  }

  async #check(target: CheckedTarget): Promise<void> {
    while (this.#targets.has(target)) {
      const isGood = await fetch(`${target.url}/healthz`, { signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
        ({ ok }) => ok,
        () => false,
      );
      count(target, isGood);
      await delay(this.#intervalMs, undefined, { ref: false });
    }
  }
}
