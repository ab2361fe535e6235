import { Stack, type StackProps } from "aws-cdk-lib";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";

export interface AlarmStackProps extends StackProps {
  readonly config: Pick<EnvironmentConfig, "alarmEmail">;
}

/** Where every alarm goes. */
export class AlarmStack extends Stack {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { config, ...props }: AlarmStackProps) {
    super(scope, id, props);
    this.topic = new Topic(this, "Topic", { displayName: "Realtime alarms", enforceSSL: true });
    // The policy that enforces TLS takes the place of AWS's own, which lets alarms in.
    this.topic.grantPublish(
      new ServicePrincipal("cloudwatch.amazonaws.com").withConditions({
        StringEquals: { "aws:SourceAccount": this.account },
      }),
    );
    if (config.alarmEmail) this.topic.addSubscription(new EmailSubscription(config.alarmEmail));
  }
}
