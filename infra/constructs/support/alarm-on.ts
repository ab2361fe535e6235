import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

export interface AlarmOnProps {
  readonly metric: IMetric;
  /** The alarm goes off above it. */
  readonly threshold: number;
  /** What is wrong, for whoever gets the mail. */
  readonly description: string;
  readonly topic: ITopic;
}

/** Tells the topic as soon as one period of a metric is above a threshold. No data means that all is well. */
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
