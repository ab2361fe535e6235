import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

export interface AlarmOnProps {
  readonly metric: IMetric;
  /** The alarm fires above this value. */
  readonly threshold: number;
  /** The text of the notification: what is wrong. */
  readonly description: string;
  readonly topic: ITopic;
}

/** Notifies the topic as soon as one period of a metric is above a threshold. Missing data does not fire the alarm. */
export function alarmOn(scope: Construct, id: string, { metric, threshold, description, topic }: AlarmOnProps): Alarm {
  const alarm = new Alarm(scope, `${id}Alarm`, {
    metric,
    threshold,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: description,
  });
  alarm.addAlarmAction(new SnsAction(topic));
  return alarm;
}
