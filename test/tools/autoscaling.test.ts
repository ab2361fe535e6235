import { describe, expect, it } from "vitest";
import { parseConfig } from "../../infra/config/config.ts";
import { Fleet } from "../../tools/autoscaling/fleet.ts";
import { Scaler } from "../../tools/autoscaling/scaler.ts";
import { readScalingRules, type ScalingRules, type StepRule } from "../../tools/autoscaling/scaling-rules.ts";
import { type Scenario, scenarios } from "../../tools/autoscaling/scenarios.ts";
import { type Outcome, simulate } from "../../tools/autoscaling/simulate.ts";
import { context, synthesize } from "../infra/synthesize.ts";

const targets = { connections: 1_000, cpu: 50 };

const crowd: StepRule = {
  ...{ comparison: "above", threshold: 1.5, minutes: 1, cooldownSeconds: 120, minimumChange: 1, targets },
  steps: [
    { lower: 0, upper: 0.3, percent: 100 },
    { lower: 0.3, upper: Number.POSITIVE_INFINITY, percent: 300 },
  ],
};

const idle: StepRule = {
  ...{ comparison: "below", threshold: 0.5, minutes: 10, cooldownSeconds: 600, minimumChange: 1, targets },
  steps: [
    { lower: -0.2, upper: 0, percent: -25 },
    { lower: Number.NEGATIVE_INFINITY, upper: -0.2, percent: -50 },
  ],
};

const tracking = { scalesIn: false, outCooldownSeconds: 120, inCooldownSeconds: 600 };

const rules = (more: Partial<ScalingRules> = {}): ScalingRules => ({
  ...{
    minTasks: 2,
    maxTasks: 40,
    maxConnections: 2_000,
    cpuUnits: 1_024,
    memoryMib: 2_048,
    zones: 3,
    drainSeconds: 60,
  },
  targets: [
    { metric: "connections", target: 1_000, ...tracking },
    { metric: "cpu", target: 50, ...tracking },
  ],
  steps: [],
  ...more,
});

/** Gives a scaler minutes of the same load, and returns the number of tasks after each. */
function minutes(scaler: Scaler, count: number, sample: { connections?: number; cpu?: number }, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => {
    scaler.observe({ connections: 0, cpu: 0, ...sample }, (from + index + 1) * 60);
    return scaler.desired;
  });
}

describe("target tracking", () => {
  it("grows in proportion to the load after three minutes above the target, whichever metric it is", () => {
    expect(minutes(new Scaler(rules(), 4), 3, { connections: 1_500 })).toEqual([4, 4, 6]);
    expect(minutes(new Scaler(rules(), 4), 3, { connections: 1_100, cpu: 100 })).toEqual([4, 4, 8]);
    expect(minutes(new Scaler(rules(), 4), 5, { connections: 1_000 })).toEqual([4, 4, 4, 4, 4]);
  });

  it("counts from before the growth until its cooldown ends", () => {
    expect(minutes(new Scaler(rules(), 4), 6, { connections: 1_500 })).toEqual([4, 4, 6, 6, 9, 9]);
  });

  it("stays within the bounds", () => {
    expect(minutes(new Scaler(rules({ maxTasks: 5 }), 4), 3, { connections: 9_000 }).at(-1)).toBe(5);
    expect(new Scaler(rules(), 1).desired).toBe(2);
  });

  it("shrinks after 15 minutes below 90 % of every target, and not at all where that is disabled", () => {
    const scaling = rules().targets.map((rule) => ({ ...rule, scalesIn: true }));
    const shrinking = rules({ targets: scaling });
    expect(minutes(new Scaler(shrinking, 10), 15, { connections: 500, cpu: 20 }).slice(-2)).toEqual([10, 5]);
    expect(minutes(new Scaler(shrinking, 10), 20, { connections: 500, cpu: 48 }).at(-1)).toBe(10);
    expect(minutes(new Scaler(rules(), 10), 60, { connections: 10 }).at(-1)).toBe(10);
  });
});

describe("a step policy", () => {
  it("grows after its minutes by the step of the load, in place of a smaller wish of another policy", () => {
    expect(minutes(new Scaler(rules({ steps: [crowd] }), 4), 1, { connections: 1_600 })).toEqual([8]);
    expect(minutes(new Scaler(rules({ steps: [crowd] }), 4), 1, { connections: 1_900 })).toEqual([16]);
    expect(minutes(new Scaler(rules({ steps: [crowd] }), 4), 1, { connections: 1_400 })).toEqual([4]);
  });

  it("shrinks once all of its minutes are below, and again only after its cooldown", () => {
    const scaler = new Scaler(rules({ steps: [idle] }), 20);
    expect(minutes(scaler, 10, { connections: 400 }).slice(-2)).toEqual([20, 15]);
    expect(minutes(scaler, 9, { connections: 100 }, 10).at(-1)).toBe(15);
    expect(minutes(scaler, 1, { connections: 100 }, 19)).toEqual([8]);
  });

  it("does not shrink where one minute was above", () => {
    const scaler = new Scaler(rules({ steps: [idle] }), 20);
    minutes(scaler, 9, { connections: 400 });
    minutes(scaler, 1, { connections: 600 }, 9);
    expect(minutes(scaler, 9, { connections: 400 }, 10).at(-1)).toBe(20);
  });
});

describe("the fleet", () => {
  it("fills the emptiest tasks first and refuses what no task has a place for", () => {
    const fleet = new Fleet({ zones: 3, maxConnections: 100, tasks: 3 });
    expect(fleet.connect(250, 0)).toBe(0);
    expect(fleet.connect(100, 0)).toBe(50);
    expect(fleet.connections).toBe(300);
  });

  it("has the places of a started task after a while, and moves the clients of a stopped one", () => {
    const fleet = new Fleet({ zones: 3, maxConnections: 100, tasks: 3 });
    fleet.connect(300, 0);
    fleet.resize(4, 0);
    expect(fleet.connect(50, 60)).toBe(50);
    expect(fleet.connect(50, 90)).toBe(0);
    expect(fleet.resize(2, 100)).toBeGreaterThan(100);
    expect(fleet.size).toBe(2);
  });

  it("loses the tasks of a zone and starts others in the zones that are left", () => {
    const fleet = new Fleet({ zones: 3, maxConnections: 100, tasks: 6 });
    fleet.connect(300, 0);
    expect(fleet.loseZone(0)).toBe(100);
    fleet.resize(6, 0);
    expect([fleet.size, fleet.ready(0), fleet.ready(90)]).toEqual([6, 4, 6]);
    expect(fleet.loseZone(0)).toBe(0);
  });
});

/** The rules of an environment of cdk.json, from its template. */
function rulesOf(fields: unknown): ScalingRules {
  const { resources } = synthesize(fields);
  const { network } = parseConfig("test", { test: fields });
  const gateway = resources.filter(({ stack }) => stack.endsWith("-gateway"));
  return readScalingRules(Object.fromEntries(gateway.map((each) => [each.logicalId, each])), network.availabilityZones);
}

function scenario(name: RegExp): Scenario {
  const found = scenarios.find((each) => name.test(each.name));
  if (!found) throw new Error(`no scenario ${name}`);
  return found;
}

describe("the policies of prod", () => {
  const prod = rulesOf(context.environments.prod);
  const outcomes = new Map<Scenario, Outcome>(scenarios.map((each) => [each, simulate(prod, each)]));
  const outcome = (name: RegExp): Outcome | undefined => outcomes.get(scenario(name));

  it("are read from its template", () => {
    expect(prod.targets.map(({ metric, scalesIn }) => [metric, scalesIn])).toEqual(
      expect.arrayContaining([
        ["connections", false],
        ["cpu", false],
      ]),
    );
    expect(prod.steps.map(({ comparison }) => comparison).sort()).toEqual(["above", "below"]);
    expect(prod.targets.find(({ metric }) => metric === "connections")?.target).toBe(prod.maxConnections / 2);
  });

  it("refuse nobody on ordinary days", () => {
    expect(outcome(/days/)).toMatchObject({ refused: 0, waitingAtWorst: 0, minutesOfRefusals: 0 });
  });

  it("move less than half of the clients that scaling in by target tracking would", () => {
    const tracked = { ...prod, steps: [], targets: prod.targets.map((rule) => ({ ...rule, scalesIn: true })) };
    const former = simulate(tracked, scenario(/days/));
    expect(former.moved).toBeGreaterThan(0);
    expect(outcome(/days/)?.moved).toBeLessThan(former.moved / 2);
  });

  it.each([/lost at 50,000/, /lost at the day's peak/])(
    "have a place for everybody after the loss of a zone: %s",
    (name) => {
      expect(outcome(name)).toMatchObject({ refused: 0, minutesOfRefusals: 0 });
      expect(outcome(name)?.fullestShare).toBeLessThanOrEqual(1);
      // They were cut, and came back.
      expect(outcome(name)?.waitingAtWorst).toBeGreaterThan(0);
    },
  );

  it("refuse clients of a fivefold crowd until tasks have started, for fewer minutes than target tracking alone", () => {
    const alone = simulate(
      { ...prod, steps: prod.steps.filter(({ comparison }) => comparison === "below") },
      scenario(/2 min/),
    );
    expect(outcome(/2 min/)?.minutesOfRefusals).toBeGreaterThan(0);
    expect(outcome(/2 min/)?.minutesOfRefusals).toBeLessThan(alone.minutesOfRefusals);
  });
});

describe("the target of a task's connections", () => {
  const shareOf = (fields: object): number => {
    const { targets: all, maxConnections } = rulesOf(fields);
    return (all.find(({ metric }) => metric === "connections")?.target ?? 0) / maxConnections;
  };

  it("leaves room for the loss of a zone where there are as many tasks as zones", () => {
    expect(shareOf({ network: { availabilityZones: 3 }, gateway: { minTasks: 6, maxTasks: 20 } })).toBeCloseTo(
      4 / 7,
      2,
    );
    expect(shareOf({ network: { availabilityZones: 2 }, gateway: { minTasks: 2 } })).toBeCloseTo(1 / 3, 2);
    expect(shareOf({})).toBeCloseTo(0.7, 2);
  });
});
