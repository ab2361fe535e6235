import { join } from "node:path";
import { DomainEventPublisher, RealtimePlatform } from "@vezta/realtime-cdk";
import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";

export interface RewardsStackProps extends StackProps {
  readonly realtimeEnvironment: string;
}

/** The team's own stack. It publishes a notification to a user for every reward. */
export class RewardsStack extends Stack {
  constructor(scope: Construct, id: string, { realtimeEnvironment, ...props }: RewardsStackProps) {
    super(scope, id, props);
    new DomainEventPublisher(this, "Rewards", {
      platform: RealtimePlatform.fromEnvironment(this, realtimeEnvironment),
      entry: join(__dirname, "../functions/reward-granted.ts"),
      eventPattern: { source: ["vezta.rewards"], detailType: ["RewardGranted"] },
      channels: ["user:notifications"],
    });
  }
}
