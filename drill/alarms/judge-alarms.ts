import type { AlarmDefinition, AlarmMetric } from "./alarm-definitions.ts";
import { type AlarmState, evaluateAlarm, evaluationRange } from "./evaluate-alarm.ts";
import type { Observation } from "./recorder.ts";

/** An alarm that fired, and when. */
export interface Firing {
  readonly section: string;
  readonly logicalId: string;
  /** Minutes of the record until the end of the period at which it fired. */
  readonly minute: number;
}

const MINUTE_SECONDS = 60;

/** Returns a statistic of the values of a period; undefined where there are none. */
export function statisticOf(values: readonly number[], statistic: string): number | undefined {
  if (values.length === 0) return undefined;
  const sum = values.reduce((total, value) => total + value, 0);
  switch (statistic) {
    case "Sum":
      return sum;
    case "Average":
      return sum / values.length;
    case "SampleCount":
      return values.length;
    case "Minimum":
      return Math.min(...values);
    case "Maximum":
      return Math.max(...values);
    default: {
      const percentile = Number(/^p(\d+(?:\.\d+)?)$/.exec(statistic)?.[1]);
      if (Number.isNaN(percentile)) throw new Error(`no statistic of CloudWatch that is known here: ${statistic}`);
      const sorted = values.toSorted((a, b) => a - b);
      return sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)];
    }
  }
}

const isOf = ({ namespace, name, dimensions }: AlarmMetric, observation: Observation): boolean =>
  observation.namespace === namespace &&
  observation.name === name &&
  Object.keys(observation.dimensions).length === Object.keys(dimensions).length &&
  Object.entries(dimensions).every(([key, value]) => observation.dimensions[key] === value);

/** Returns the datapoints of a metric, one per period of the record. */
function datapoints(metric: AlarmMetric, observations: readonly Observation[], minutes: number) {
  const minutesPerPeriod = metric.periodSeconds / MINUTE_SECONDS;
  const own = observations.filter((observation) => isOf(metric, observation));
  return Array.from({ length: Math.floor(minutes / minutesPerPeriod) }, (_, index) => {
    const start = index * minutesPerPeriod;
    const within = own.filter(({ minute }) => minute >= start && minute < start + minutesPerPeriod);
    return statisticOf(
      within.flatMap(({ values }) => values),
      metric.statistic,
    );
  });
}

/** The first time that an alarm fires; undefined where it does not. */
function firstFiring(definition: AlarmDefinition, observations: readonly Observation[], minutes: number) {
  const { metric, rule, section, logicalId } = definition;
  const points = datapoints(metric, observations, minutes);
  const range = evaluationRange(rule);
  let state: AlarmState = "OK";
  for (let end = 1; end <= points.length; end += 1) {
    // What was before the record was in order: an alarm that only waits for its data must not fire at the start.
    if (end < rule.evaluationPeriods && points.slice(0, end).every((point) => point === undefined)) continue;
    state = evaluateAlarm(points.slice(Math.max(0, end - range), end), rule, state);
    if (state === "ALARM") return { section, logicalId, minute: (end * metric.periodSeconds) / MINUTE_SECONDS };
  }
  return undefined;
}

/** Runs the alarms over a record of so many whole minutes, and returns those that fire, in their order. */
export const judgeAlarms = (
  definitions: readonly AlarmDefinition[],
  observations: readonly Observation[],
  minutes: number,
): Firing[] =>
  definitions
    .flatMap((definition) => firstFiring(definition, observations, minutes) ?? [])
    .toSorted((a, b) => a.minute - b.minute);
