import { Tokenization } from "aws-cdk-lib";
import { type IVpc, SecurityGroup, type SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import { allowEgress, type Egress } from "./support/egress.ts";
import { ABSENT, type PlatformParameter, parameterName, platformParameters } from "./support/platform-parameters.ts";
import type { PublisherPlatform } from "./support/publisher-platform.ts";

export interface PlatformExportProps {
  /** The environment's name, part of the parameters' names. */
  readonly environmentName: string;
  readonly platform: Pick<PublisherPlatform, "bus" | "redis" | "alarmTopic" | "maximumClockSkewMs">;
  readonly vpc: IVpc;
  /** The subnets that publishers run in. */
  readonly subnets: SubnetSelection;
  /** Targets that publishers may reach. */
  readonly egress: Egress;
  /**
   * The queue of the managed edge.
   *
   * @default - there is no managed edge
   */
  readonly hintQueue?: IQueue | undefined;
}

/**
 * Makes an environment usable from other repositories: writes the SSM parameters that `RealtimePlatform.fromEnvironment`
 * reads, and creates the security group of the publishers there. Stacks of other repositories so add no rule to ours.
 */
export class PlatformExport extends Construct {
  constructor(scope: Construct, id: string, props: PlatformExportProps) {
    super(scope, id);
    const securityGroup = new SecurityGroup(this, "SecurityGroup", {
      vpc: props.vpc,
      description: "Publishers of other repositories",
      allowAllOutbound: false,
    });
    allowEgress(securityGroup.connections, props.egress);
    const values = parameterValues(props, securityGroup);
    for (const name of Object.keys(platformParameters).filter(isPlatformParameter)) {
      new StringParameter(this, name, {
        parameterName: parameterName(props.environmentName, name),
        description: platformParameters[name],
        stringValue: values[name],
      });
    }
  }
}

const isPlatformParameter = (name: string): name is PlatformParameter => Object.hasOwn(platformParameters, name);

function parameterValues(
  { vpc, subnets, platform, hintQueue }: PlatformExportProps,
  { securityGroupId }: SecurityGroup,
): Record<PlatformParameter, string> {
  return {
    "vpc-id": vpc.vpcId,
    "subnet-ids": vpc.selectSubnets(subnets).subnetIds.join(","),
    "security-group-id": securityGroupId,
    "redis-url": platform.redis.url,
    "redis-secret-arn": platform.redis.password.secretArn,
    "alarm-topic-arn": platform.alarmTopic.topicArn,
    "bus-name": platform.bus.eventBusName,
    "maximum-clock-skew-ms": Tokenization.stringifyNumber(platform.maximumClockSkewMs),
    "hint-queue-url": hintQueue?.queueUrl ?? ABSENT,
    "hint-queue-arn": hintQueue?.queueArn ?? ABSENT,
  };
}
