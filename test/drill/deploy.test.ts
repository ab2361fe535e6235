import { describe, expect, it } from "vitest";
import { type DeployDrillOptions, type DeployResult, runDeployDrill } from "../../drill/deploy/deploy-drill.ts";
import { summarizeReconnects } from "../../drill/deploy/reconnects.ts";

const CLIENTS = 60;

async function drill(
  options: Partial<DeployDrillOptions>,
  overrides: Readonly<Record<string, string>> = {},
): Promise<DeployResult> {
  const ends: (() => Promise<void> | void)[] = [];
  const onStarted = (end: () => Promise<void> | void): void => void ends.push(end);
  try {
    const common = { clients: CLIENTS, rate: 30, drainSeconds: 8, isTold: true, onStarted };
    return await runDeployDrill({ ...common, ...options }, overrides);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** What happened to a task, in its order. */
const lifeOf = ({ events }: DeployResult, name: string): string[] =>
  events.filter(({ task }) => task === name).map(({ what }) => what);

const cutOf = ({ events }: DeployResult): number[] => events.flatMap(({ cut }) => (cut === undefined ? [] : [cut]));

/** Expects that no client notices more than a reconnect: it comes back, misses nothing and gets nothing twice. */
function expectUnharmed({ verdict, stranded, published }: DeployResult): void {
  expect(verdict).toEqual({ undetected: 0, duplicates: 0, outOfOrder: 0, lost: 0, problems: [] });
  expect(stranded).toEqual([]);
  expect(published).toBeGreaterThan(0);
}

const REPLACED = ["started", "healthy", "deregistering", "deregistered", "SIGTERM", "stopped"];

// They wait most of the time: for starts, checks and delays.
describe.concurrent("a deployment", () => {
  it("whose tasks see their deregistration moves every client before the load balancer cuts", {
    timeout: 600_000,
  }, async () => {
    const result = await drill({});

    expect(result.deployment).toEqual({ isCompleted: true, failures: [] });
    for (const task of ["task-1", "task-2"]) expect(lifeOf(result, task)).toEqual(REPLACED);
    expect(cutOf(result)).toEqual([0, 0]);
    expect(result.reconnects.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(CLIENTS);
    expect(result.healthCalls).toBeGreaterThan(0);
    expectUnharmed(result);
  });

  it("whose tasks hear nothing before SIGTERM cuts every client, and each comes back and misses nothing", {
    timeout: 600_000,
  }, async () => {
    const result = await drill({ isTold: false, drainSeconds: 2 });

    expect(result.deployment.isCompleted).toBe(true);
    for (const task of ["task-1", "task-2"]) expect(lifeOf(result, task)).toEqual(REPLACED);
    expect(cutOf(result).reduce((sum, cut) => sum + cut, 0)).toBeGreaterThanOrEqual(CLIENTS);
    expect(result.healthCalls).toBe(0);
    expectUnharmed(result);
  });

  it("that Redis refuses fails by itself, says why once a task, and moves no client", {
    timeout: 600_000,
  }, async () => {
    const refused = { RT_REDIS_USERNAME: "nobody", RT_REDIS_PASSWORD: "the-wrong-secret" };
    const result = await drill({ clients: 10, gracePeriodMs: 20_000 }, refused);

    expect(result.deployment.isCompleted).toBe(false);
    expect(result.deployment.failures).toHaveLength(3);
    for (const log of result.deployment.failures) {
      expect(log.split("\n").filter((line) => line.includes('"msg":"not ready yet: Redis refuses'))).toHaveLength(1);
      expect(log).not.toContain("the-wrong-secret");
    }
    for (const task of ["task-1", "task-2"]) expect(lifeOf(result, task)).toEqual(["started", "healthy"]);
    for (const task of ["task-3", "task-4", "task-5"]) expect(lifeOf(result, task)).toEqual(["started", "failed"]);
    expect(result.reconnects).toEqual([]);
    expectUnharmed(result);
  });
});

it("reconnects are summarized without one in a hundred at each end", () => {
  const even = Array.from({ length: 200 }, (_, index) => index * 10);
  const { meanPerSecond, peakPerSecond, seconds } = summarizeReconnects([...even, 1_000_000]);
  expect(seconds).toBeCloseTo(1.97, 1);
  expect(peakPerSecond / meanPerSecond).toBeLessThan(1.2);

  const half = [...even.map((time) => time / 20), ...even];
  const burst = summarizeReconnects(half);
  expect(burst.peakPerSecond / burst.meanPerSecond).toBeGreaterThan(5);
});
