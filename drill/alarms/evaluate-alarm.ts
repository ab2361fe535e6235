/** How an alarm treats a period without data. */
export type MissingData = "missing" | "ignore" | "breaching" | "notBreaching";

export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** The part of an alarm's definition that decides its state. */
export interface AlarmRule {
  readonly threshold: number;
  /** True for GreaterThanThreshold, false for LessThanThreshold: the two that our templates use. */
  readonly isAbove: boolean;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly missingData: MissingData;
}

/**
 * The datapoints that CloudWatch retrieves beyond the evaluation periods. AWS does not state the number: its examples
 * retrieve 5 for 3.
 */
const EXTRA_DATAPOINTS = 2;

/** Returns how many of the last datapoints an evaluation looks at. */
export const evaluationRange = ({ evaluationPeriods }: AlarmRule): number => evaluationPeriods + EXTRA_DATAPOINTS;

const isBreaching = ({ isAbove, threshold }: AlarmRule, value: number): boolean =>
  isAbove ? value > threshold : value < threshold;

/** The state where there are too few datapoints, and those that there are do not decide it. */
function undecided(points: readonly (number | undefined)[], rule: AlarmRule, before: AlarmState): AlarmState {
  if (rule.missingData === "ignore") return before;
  // "Premature" transitions are avoided: the oldest breaching datapoint must be as old as the datapoints to alarm.
  const oldest = points.findIndex((value) => value !== undefined);
  const age = points.length - oldest;
  return oldest >= 0 && age >= rule.datapointsToAlarm ? "ALARM" : "INSUFFICIENT_DATA";
}

/**
 * Evaluates an alarm by CloudWatch's documented rules ("Configuring how CloudWatch alarms treat missing data", in the
 * user guide): the newest datapoints that exist are used, also older ones in place of those that are missing; missing
 * ones count as the alarm says, as few of them as possible.
 *
 * @param points the datapoints of the evaluation range, oldest first; undefined where one is missing.
 * @param before the state until now.
 */
export function evaluateAlarm(
  points: readonly (number | undefined)[],
  rule: AlarmRule,
  before: AlarmState = "INSUFFICIENT_DATA",
): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, missingData } = rule;
  const existing = points.filter((value) => value !== undefined).slice(-evaluationPeriods);
  const breaching = existing.filter((value) => isBreaching(rule, value)).length;
  const filled = missingData === "breaching" ? evaluationPeriods - existing.length : 0;
  if (breaching + filled >= datapointsToAlarm) return "ALARM";
  const isEnough = existing.length === evaluationPeriods || breaching < existing.length;
  if (isEnough || missingData === "breaching" || missingData === "notBreaching") return "OK";
  return undecided(points, rule, before);
}
