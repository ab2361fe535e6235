import { CfnDynamicReference, CfnDynamicReferenceService, Fn, Stack, Token } from "aws-cdk-lib";
import { SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { EventBus, type IEventBus } from "aws-cdk-lib/aws-events";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { type ITopic, Topic } from "aws-cdk-lib/aws-sns";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { Construct } from "constructs";
import type { FunctionNetwork } from "./support/function-network.ts";
import { OptionalHintQueue } from "./support/optional-hint-queue.ts";
import { type PlatformParameter, parameterName } from "./support/platform-parameters.ts";
import type { HintQueue, PublisherPlatform } from "./support/publisher-platform.ts";

export interface RealtimePlatformOptions {
  /**
   * In how many of the environment's availability zones functions run. At most as many as the environment has, or the
   * deploy fails; every environment has at least two.
   *
   * @default 2
   */
  readonly availabilityZones?: number;
  /**
   * Days that the functions' logs are kept, of those that CloudWatch offers.
   *
   * @default 30
   */
  readonly logRetentionDays?: number;
  /**
   * The most invocations of one publisher at a time.
   *
   * @default - the account's limit
   */
  readonly reservedConcurrency?: number;
}

/** A deployed environment of the platform, for a CDK app in another repository. */
export class RealtimePlatform extends Construct implements PublisherPlatform {
  readonly bus: IEventBus;
  readonly network: FunctionNetwork;
  readonly redis: PublisherPlatform["redis"];
  readonly alarmTopic: ITopic;
  readonly logRetentionDays: number;
  readonly maximumClockSkewMs: number;
  readonly reservedConcurrency: number | undefined;
  readonly hintQueue: HintQueue;

  /**
   * Returns the environment that is deployed under a name in the same account and region. Its values come from SSM
   * parameters at deploy (`/vezta-realtime/<environment>/…`): synth calls no AWS API, and each deploy takes the newest
   * values. Further calls in the same stack return the platform of the first call, with its options.
   *
   * @example
   * new DomainEventPublisher(this, "Rewards", {
   *   platform: RealtimePlatform.fromEnvironment(this, "prod"),
   *   entry: "functions/rewards.ts",
   *   eventPattern: { source: ["vezta.rewards"], detailType: ["RewardGranted"] },
   *   channels: ["user:notifications"],
   * });
   */
  static fromEnvironment(
    scope: Construct,
    environmentName: string,
    options: RealtimePlatformOptions = {},
  ): RealtimePlatform {
    const stack = Stack.of(scope);
    const id = `RealtimePlatform-${environmentName}`;
    const existing = stack.node.tryFindChild(id);
    return existing instanceof RealtimePlatform
      ? existing
      : new RealtimePlatform(stack, id, { environmentName, ...options });
  }

  private constructor(
    scope: Construct,
    id: string,
    { environmentName, availabilityZones = 2, logRetentionDays = 30, reservedConcurrency }: RealtimePlatformProps,
  ) {
    super(scope, id);
    const read = (parameter: PlatformParameter): string =>
      StringParameter.valueForStringParameter(this, parameterName(environmentName, parameter));
    const vpc = Vpc.fromVpcAttributes(this, "Vpc", {
      // A dynamic reference: our constructs do not use the id, and CloudFormation warns of an unused template parameter.
      vpcId: new CfnDynamicReference(
        CfnDynamicReferenceService.SSM,
        parameterName(environmentName, "vpc-id"),
      ).toString(),
      // Only their number matters: a function is placed by its subnets.
      availabilityZones: Array.from({ length: availabilityZones }, (_, index) => Fn.select(index, Fn.getAzs())),
      privateSubnetIds: Fn.split(",", read("subnet-ids"), availabilityZones),
    });
    this.network = {
      vpc,
      subnets: { subnets: vpc.privateSubnets },
      securityGroup: SecurityGroup.fromSecurityGroupId(this, "SecurityGroup", read("security-group-id"), {
        mutable: false,
      }),
    };
    this.redis = {
      url: read("redis-url"),
      password: Secret.fromSecretCompleteArn(this, "RedisPassword", read("redis-secret-arn")),
    };
    this.bus = EventBus.fromEventBusName(this, "Bus", read("bus-name"));
    this.alarmTopic = Topic.fromTopicArn(this, "AlarmTopic", read("alarm-topic-arn"));
    this.maximumClockSkewMs = Token.asNumber(read("maximum-clock-skew-ms"));
    this.hintQueue = new OptionalHintQueue(this, "HintQueue", {
      queueUrl: read("hint-queue-url"),
      queueArn: read("hint-queue-arn"),
    });
    this.logRetentionDays = logRetentionDays;
    this.reservedConcurrency = reservedConcurrency;
  }
}

interface RealtimePlatformProps extends RealtimePlatformOptions {
  readonly environmentName: string;
}
