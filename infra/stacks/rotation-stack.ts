import { join } from "node:path";
import { Stack, type StackProps } from "aws-cdk-lib";
import type { ISecurityGroup, IVpc } from "aws-cdk-lib/aws-ec2";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";
import { RedisRotation } from "../constructs/redis-rotation.ts";
import type { RedisAccess } from "../constructs/support/redis-access.ts";
import { redisRoles } from "../constructs/support/redis-users.ts";
import { subnetGroups } from "../constructs/support/subnet-groups.ts";
import { ourCode, projectRoot } from "../our-code.ts";

export interface RotationStackProps extends StackProps {
  readonly vpc: IVpc;
  readonly redis: RedisAccess;
  /**
   * The security group of the VPC's interface endpoints.
   *
   * @default - none: AWS is reached through NAT
   */
  readonly endpoints?: ISecurityGroup | undefined;
  readonly alarmTopic: ITopic;
  readonly config: Pick<EnvironmentConfig, "name" | "rotation" | "logRetentionDays">;
}

/** Rotates the passwords of all Redis users. Of its own, since the users' secrets are there before their consumers. */
export class RotationStack extends Stack {
  constructor(scope: Construct, id: string, props: RotationStackProps) {
    const { vpc, redis, endpoints, alarmTopic, config, ...stackProps } = props;
    super(scope, id, stackProps);
    for (const role of redisRoles) {
      new RedisRotation(this, role, {
        ...{ role, redis, alarmTopic },
        environmentName: config.name,
        code: { ...ourCode, entry: join(projectRoot, "lambdas/rotation/rotation.handler.ts") },
        network: { vpc, subnets: { subnetGroupName: subnetGroups.compute }, egress: { redis, endpoints } },
        everyDays: config.rotation.everyDays,
        logRetentionDays: config.logRetentionDays,
      });
    }
  }
}
