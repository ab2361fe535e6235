import { describe, expect, it } from "vitest";
import { synthesizeAlarms } from "../../drill/alarms/alarm-definitions.ts";
import { alarmFaults } from "../../drill/alarms/alarm-faults.ts";
import { judgeAlarms, statisticOf } from "../../drill/alarms/judge-alarms.ts";
import { Recorder } from "../../drill/alarms/recorder.ts";
import { runFault } from "../../drill/alarms/run-fault.ts";

const MINUTE_MS = 1_500;

/** Alarms that a machine without a free processor sets off rightly; how fast this one is, is not what is tested. */
const ofTheMachine = new Set(["event-loop", "late-messages", "unhealthy-task"]);

const definitions = synthesizeAlarms();

const faultNamed = (name: string) => {
  const fault = alarmFaults.find((each) => each.name === name);
  if (!fault) throw new Error(`there is no fault ${name}`);
  return fault;
};

describe("the alarms of the templates", { timeout: 300_000 }, () => {
  it.each([
    ["quiet", []],
    ["bad-events", ["events-failed"]],
    ["connection-flood", ["gateway-full"]],
    ["redis-frozen", ["redis-unreachable"]],
  ])("%s: %j", async (name, expected) => {
    const fault = faultNamed(name);
    const { fired } = await runFault({ ...fault, minutes: Math.min(fault.minutes, 6) }, definitions, MINUTE_MS);

    expect(fired.map(({ section }) => section).filter((section) => !ofTheMachine.has(section))).toEqual(expected);
  });

  it("are all tried by a fault, except those that docs/metrics.md names", () => {
    const tried = new Set(alarmFaults.flatMap(({ expected, consequences = [] }) => [expected, ...consequences]));
    const untried = new Set(definitions.map(({ section }) => section).filter((section) => !tried.has(section)));

    expect([...untried].toSorted()).toEqual([
      "damaged-values",
      "events-retried",
      "hints-failed",
      "managed-edge-errors",
      "rotation-failed",
      "stream-behind",
    ]);
  });
});

describe("the judge of alarms", () => {
  const full = definitions.filter(({ section }) => section === "gateway-full");
  const metric = full[0]?.metric;

  const record = (values: readonly number[]) =>
    values.map((value, minute) => ({
      ...{ minute, namespace: metric?.namespace ?? "", name: metric?.name ?? "" },
      ...{ dimensions: metric?.dimensions ?? {}, values: [value] },
    }));

  it("fires at the end of the period that makes the datapoints enough", () => {
    expect(judgeAlarms(full, record([0, 0, 3, 0, 1, 0]), 6)).toMatchObject([{ section: "gateway-full", minute: 5 }]);
  });

  it("does not fire where there are too few of them, or of another environment", () => {
    const others = record([5, 5, 5, 5]).map((each) => ({
      ...each,
      dimensions: { ...each.dimensions, Environment: "dev" },
    }));

    expect(judgeAlarms(full, record([0, 3, 0, 0, 1, 0]), 6)).toEqual([]);
    expect(judgeAlarms(full, others, 4)).toEqual([]);
  });

  it.each([
    ["Sum", 110],
    ["Average", 22],
    ["Minimum", 1],
    ["Maximum", 100],
    ["SampleCount", 5],
    ["p50", 3],
    ["p99", 100],
  ])("computes %s", (statistic, expected) => {
    expect(statisticOf([1, 100, 2, 4, 3], statistic)).toBe(expected);
    expect(statisticOf([], statistic)).toBeUndefined();
  });

  it("refuses a statistic that it does not know", () => {
    expect(() => statisticOf([1], "TM99")).toThrow("TM99");
  });
});

describe("the recorder", () => {
  it("reads every metric of a line, lists of samples too, and leaves other lines out", () => {
    const recorder = new Recorder(1_000);
    const metrics = [{ Name: "A" }, { Name: "B" }];
    const _aws = { CloudWatchMetrics: [{ Namespace: "N", Dimensions: [["D"]], Metrics: metrics }] };

    recorder.addLine('{"level":30,"msg":"ready"}');
    recorder.addLine(JSON.stringify({ _aws, D: "d", A: 1, B: [2, 3] }));

    expect(recorder.observations).toMatchObject([
      { namespace: "N", name: "A", dimensions: { D: "d" }, values: [1] },
      { namespace: "N", name: "B", values: [2, 3] },
    ]);
  });
});
