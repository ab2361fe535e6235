import { describe, expect, it } from "vitest";
import {
  type AlarmRule,
  type AlarmState,
  evaluateAlarm,
  evaluationRange,
  type MissingData,
} from "../../drill/alarms/evaluate-alarm.ts";

const RETAINED: AlarmState = "ALARM";
const treatments = ["missing", "ignore", "breaching", "notBreaching"] as const satisfies readonly MissingData[];

const rule = (datapointsToAlarm: number, missingData: MissingData): AlarmRule => ({
  threshold: 0.5,
  isAbove: true,
  evaluationPeriods: 3,
  datapointsToAlarm,
  missingData,
});

/** Of `0 - X`, as in AWS's tables: 0 does not breach, X breaches, - is missing. */
const parse = (text: string) => text.split(" ").map((point) => (point === "-" ? undefined : Number(point === "X")));

const OK = "OK";
const ALARM = "ALARM";
const NONE = "INSUFFICIENT_DATA";

// The two tables of "Configuring how CloudWatch alarms treat missing data", columns as there. Retained: ALARM here.
const threeOfThree = [
  ["0 - X - X", OK, OK, OK, OK],
  ["0 - - - -", OK, OK, OK, OK],
  ["- - - - -", NONE, RETAINED, ALARM, OK],
  ["0 X X - X", ALARM, ALARM, ALARM, ALARM],
  ["- - - - X", NONE, RETAINED, ALARM, OK],
  ["X - - - -", ALARM, RETAINED, ALARM, OK],
] as const;

const twoOfThree = [
  ["0 - X - X", ALARM, ALARM, ALARM, ALARM],
  ["0 0 X 0 X", ALARM, ALARM, ALARM, ALARM],
  ["0 - X - -", OK, OK, ALARM, OK],
  ["- - - - 0", OK, OK, ALARM, OK],
  ["- - - - X", NONE, RETAINED, ALARM, OK],
] as const;

describe("an evaluation", () => {
  it.each(threeOfThree)("3 of 3: %s", (points, ...expected) => {
    expect(treatments.map((each) => evaluateAlarm(parse(points), rule(3, each), RETAINED))).toEqual(expected);
  });

  it.each(twoOfThree)("2 of 3: %s", (points, ...expected) => {
    expect(treatments.map((each) => evaluateAlarm(parse(points), rule(2, each), RETAINED))).toEqual(expected);
  });

  it("looks at the newest datapoints where none is missing", () => {
    expect(evaluateAlarm(parse("X X 0 0 0"), rule(3, "missing"))).toBe(OK);
    expect(evaluationRange(rule(3, "missing"))).toBe(5);
  });

  it("fires below a threshold", () => {
    const below: AlarmRule = { ...rule(2, "breaching"), isAbove: false, threshold: 1 };

    expect(evaluateAlarm([2, 2, 2, 0, 0], below)).toBe(ALARM);
    expect(evaluateAlarm([2, 2, 2, 1, 1], below)).toBe(OK);
    expect(evaluateAlarm([undefined, undefined, undefined, undefined, undefined], below)).toBe(ALARM);
  });
});
