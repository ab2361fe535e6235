import type { ScalingRules, StepRule, TargetRule } from "./scaling-rules.ts";

/** What CloudWatch has of one minute: averages of the tasks that ran. */
export interface Sample {
  readonly connections: number;
  /** In percent of a task's CPU. */
  readonly cpu: number;
}

/**
 * The alarms that Application Auto Scaling makes for a target tracking policy on ECS: one above the target for 3 minutes,
 * one below 90 % of it for 15.
 */
const HIGH_MINUTES = 3;
const LOW_MINUTES = 15;
const LOW_SHARE = 0.9;

/** Longest run of minutes that an alarm looks at. */
const KEPT_SAMPLES = 120;

type Wish = { readonly tasks: number; readonly cooldownSeconds: number };

/** Application Auto Scaling as documented, in steps of a minute: alarms, cooldowns, and the largest wish wins. */
export class Scaler {
  readonly #rules: ScalingRules;
  readonly #samples: Sample[] = [];
  #outUntil = Number.NEGATIVE_INFINITY;
  #inUntil = Number.NEGATIVE_INFINITY;
  /** The number of tasks before the last growth; what is wished for within its cooldown counts from there. */
  #before = 0;
  desired: number;

  constructor(rules: ScalingRules, desired = rules.minTasks) {
    this.#rules = rules;
    this.desired = this.#limit(desired);
  }

  /** Takes the metrics of a minute and decides. @param second when it ended, counted from the start */
  observe(sample: Sample, second: number): void {
    this.#samples.push(sample);
    this.#samples.splice(0, this.#samples.length - KEPT_SAMPLES);
    if (this.#grow(second)) return;
    this.#shrink(second);
  }

  #grow(second: number): boolean {
    const isCooling = second < this.#outUntil;
    const base = isCooling ? this.#before : this.desired;
    const wishes = [
      ...this.#rules.targets.flatMap((rule) => this.#targetGrowth(rule, base)),
      ...this.#rules.steps.flatMap((rule) => (rule.comparison === "above" ? this.#step(rule, base) : [])),
    ];
    const wish = largest(wishes);
    if (!wish || this.#limit(wish.tasks) <= this.desired) return wishes.length > 0;
    this.#before = base;
    this.desired = this.#limit(wish.tasks);
    this.#outUntil = second + wish.cooldownSeconds;
    return true;
  }

  #shrink(second: number): void {
    const { targets, steps } = this.#rules;
    if (second < this.#inUntil) return;
    const tracking = targets.filter(({ scalesIn }) => scalesIn);
    const tracked = tracking.flatMap((rule) => this.#targetShrinking(rule));
    const stepped = steps.flatMap((rule) => (rule.comparison === "below" ? this.#step(rule, this.desired) : []));
    // Target tracking shrinks only where every one of its policies would.
    const wishes = [...(tracked.length === tracking.length ? tracked : []), ...stepped];
    const wish = largest(wishes);
    if (!wish || this.#limit(wish.tasks) >= this.desired) return;
    this.desired = this.#limit(wish.tasks);
    this.#inUntil = second + wish.cooldownSeconds;
  }

  #targetGrowth({ metric, target, outCooldownSeconds }: TargetRule, base: number): Wish[] {
    if (!this.#holds(HIGH_MINUTES, (sample) => sample[metric] > target)) return [];
    const newest = this.#samples.at(-1)?.[metric] ?? 0;
    return [{ tasks: Math.ceil((base * newest) / target), cooldownSeconds: outCooldownSeconds }];
  }

  #targetShrinking({ metric, target, inCooldownSeconds }: TargetRule): Wish[] {
    if (!this.#holds(LOW_MINUTES, (sample) => sample[metric] < target * LOW_SHARE)) return [];
    const newest = this.#samples.at(-1)?.[metric] ?? 0;
    return [{ tasks: Math.ceil((this.desired * newest) / target), cooldownSeconds: inCooldownSeconds }];
  }

  #step(rule: StepRule, base: number): Wish[] {
    const { comparison, threshold, minutes, cooldownSeconds, minimumChange, steps } = rule;
    const isBreach = (sample: Sample): boolean =>
      comparison === "above" ? utilization(rule, sample) >= threshold : utilization(rule, sample) <= threshold;
    const newest = this.#samples.at(-1);
    if (!newest || !this.#holds(minutes, isBreach)) return [];
    const distance = utilization(rule, newest) - threshold;
    const step = steps.find(({ lower, upper }) =>
      comparison === "above" ? lower <= distance && distance < upper : lower < distance && distance <= upper,
    );
    if (!step) return [];
    const change = Math.max(minimumChange, Math.trunc(Math.abs((base * step.percent) / 100)));
    return [{ tasks: base + Math.sign(step.percent) * change, cooldownSeconds }];
  }

  #holds(minutes: number, isBreach: (sample: Sample) => boolean): boolean {
    return this.#samples.length >= minutes && this.#samples.slice(-minutes).every(isBreach);
  }

  #limit(tasks: number): number {
    return Math.min(this.#rules.maxTasks, Math.max(this.#rules.minTasks, tasks));
  }
}

const utilization = ({ targets }: StepRule, { connections, cpu }: Sample): number =>
  Math.max(connections / targets.connections, cpu / targets.cpu);

const largest = (wishes: readonly Wish[]): Wish | undefined =>
  wishes.reduce<Wish | undefined>((best, wish) => (best && best.tasks >= wish.tasks ? best : wish), undefined);
