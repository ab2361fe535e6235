import { Stack, type StackProps } from "aws-cdk-lib";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";
import { CostBudget } from "../constructs/cost-budget.ts";

export interface AlarmStackProps extends StackProps {
  readonly config: Pick<EnvironmentConfig, "alarmEmail" | "cost">;
}

/** The topic that every alarm notifies. */
export class AlarmStack extends Stack {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { config, ...props }: AlarmStackProps) {
    super(scope, id, props);
    this.topic = new Topic(this, "Topic", { displayName: "Realtime alarms", enforceSSL: true });
    // The policy that enforces TLS replaces AWS's default policy, which allows alarms to publish.
    this.topic.grantPublish(
      new ServicePrincipal("cloudwatch.amazonaws.com").withConditions({
        StringEquals: { "aws:SourceAccount": this.account },
      }),
    );
    if (config.alarmEmail) {
      this.topic.addSubscription(new EmailSubscription(config.alarmEmail));
      const { monthlyBudget } = config.cost;
      if (monthlyBudget) new CostBudget(this, "Budget", { monthlyUsd: monthlyBudget, email: config.alarmEmail });
    }
  }
}
