import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

/** How many of the last periods must be above (or below) the threshold. */
export interface AlarmPatience {
  readonly datapoints: number;
  readonly periods: number;
}

export interface AlarmOnProps {
  readonly metric: IMetric;
  /** The alarm fires above this value, or below it with `isBelow`. */
  readonly threshold: number;
  /** Fire below the threshold, also where there is no data: what should be there is not. @default false */
  readonly isBelow?: boolean;
  /** @default - one period is enough */
  readonly patience?: AlarmPatience;
  /** The text of the notification: what is wrong. */
  readonly description: string;
  /** The section of docs/runbook.md on it, as in its address: `redis-memory`. The notification names it. */
  readonly runbook: string;
  readonly topic: ITopic;
}

/** The start of the reference to the runbook, at the end of each alarm's description. */
export const RUNBOOK = "docs/runbook.md#";

/**
 * Notifies the topic when a metric is above a threshold, by default as soon as one period is. Missing data does not fire
 * the alarm, unless it fires below the threshold.
 */
export function alarmOn(scope: Construct, id: string, props: AlarmOnProps): Alarm {
  const { metric, threshold, isBelow = false, patience = { datapoints: 1, periods: 1 }, topic } = props;
  const alarm = new Alarm(scope, `${id}Alarm`, {
    metric,
    threshold,
    evaluationPeriods: patience.periods,
    datapointsToAlarm: patience.datapoints,
    comparisonOperator: isBelow ? ComparisonOperator.LESS_THAN_THRESHOLD : ComparisonOperator.GREATER_THAN_THRESHOLD,
    treatMissingData: isBelow ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    alarmDescription: `${props.description}. What to do: ${RUNBOOK}${props.runbook}`,
  });
  alarm.addAlarmAction(new SnsAction(topic));
  return alarm;
}
