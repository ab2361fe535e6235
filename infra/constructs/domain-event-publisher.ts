import { join } from "node:path";
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { type IVpc, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import { type EventPattern, type IEventBus, Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import { Architecture, Runtime, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import { KinesisEventSource, SqsDlq } from "aws-cdk-lib/aws-lambda-event-sources";
import { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Channel } from "../../contract/channels.ts";
import { subnetGroups } from "../network-stack.ts";
import { acknowledge } from "./acknowledge.ts";
import { bundling, projectRoot } from "./bundling.ts";
import { allowEgress, type Egress } from "./egress.ts";
import { publisherEnvironment } from "./publisher-environment.ts";
import { maximumEventAge, STREAM_RECORD_AGE } from "./retry-window.ts";

/** What every publisher of an environment shares. `DomainEventsStack.platform` has it. */
export interface PublisherPlatform {
  readonly bus: IEventBus;
  readonly vpc: IVpc;
  readonly egress: Egress;
  readonly alarmTopic: ITopic;
  readonly logRetentionDays: number;
  readonly reservedConcurrency?: number | undefined;
}

export interface DomainEventPublisherProps {
  readonly platform: PublisherPlatform;
  /** The file that exports `handler`, best built from `import.meta.dirname`. */
  readonly entry: string;
  /** The events of the bus that the function is given. */
  readonly eventPattern: EventPattern;
  /** The channels that it publishes to. Their dedupe windows bound how long an event is tried again. */
  readonly channels: readonly Channel[];
  /**
   * A stream that it reads as well.
   *
   * @default - none
   */
  readonly stream?: IStream | undefined;
}

const TIMEOUT = Duration.seconds(15);

/** Records of one call: 100 to 500 keep Redis busy without a retry of the batch being dear. */
const STREAM_BATCH = 200;

/**
 * A function that publishes domain events to channels: rule, network, Redis access, permissions, retries, a queue for
 * what failed for good, and alarms.
 *
 * @example
 * new DomainEventPublisher(this, "Rewards", {
 *   platform: domainEvents.platform,
 *   entry: join(import.meta.dirname, "../lambdas/rewards/rewards.handler.ts"),
 *   eventPattern: { source: ["vezta.rewards"], detailType: ["RewardGranted"] },
 *   channels: ["user:notifications"],
 * });
 */
export class DomainEventPublisher extends Construct {
  readonly function: NodejsFunction;
  /** Events that failed for good, in the words of their source; kept for 14 days. */
  readonly failures: Queue;
  readonly #platform: PublisherPlatform;

  constructor(scope: Construct, id: string, props: DomainEventPublisherProps) {
    super(scope, id);
    this.#platform = props.platform;
    this.failures = new Queue(this, "Failures", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(this.failures, { "AwsSolutions-SQS3": "It is the queue for what failed, of a rule and a function." });
    const maxEventAge = maximumEventAge(props.channels);
    this.function = this.#createFunction(props.entry, maxEventAge);
    this.#grantRedis();
    new Rule(this, "Rule", {
      eventBus: props.platform.bus,
      eventPattern: props.eventPattern,
      targets: [
        // Bounds delivery to the function; what the function throws is bounded by its own retries.
        new LambdaFunction(this.function, { deadLetterQueue: this.failures, maxEventAge, retryAttempts: 185 }),
      ],
    });
    this.#alarmOn("Failures", this.failures.metricApproximateNumberOfMessagesVisible(), 0);
    if (props.stream) this.#readStream(props.stream);
  }

  #createFunction(entry: string, maxEventAge: Duration): NodejsFunction {
    const { vpc, egress, logRetentionDays, reservedConcurrency } = this.#platform;
    const securityGroup = new SecurityGroup(this, "SecurityGroup", {
      vpc,
      description: `Publisher ${this.node.id}`,
      allowAllOutbound: false,
    });
    const publisher = new NodejsFunction(this, "Function", {
      entry,
      handler: "handler",
      description: `Publishes events of ${this.node.id} to their channels`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 256,
      timeout: TIMEOUT,
      projectRoot,
      depsLockFilePath: join(projectRoot, "package-lock.json"),
      bundling,
      environment: publisherEnvironment(egress.redis, this.node.id),
      vpc,
      vpcSubnets: { subnetGroupName: subnetGroups.compute },
      securityGroups: [securityGroup],
      logGroup: new LogGroup(this, "Logs", { retention: logRetentionDays, removalPolicy: RemovalPolicy.DESTROY }),
      reservedConcurrentExecutions: reservedConcurrency,
      retryAttempts: 2,
      maxEventAge,
      onFailure: new SqsDestination(this.failures),
    });
    acknowledge(publisher, {
      "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]":
        "AWS's policy for writing logs, and no more.",
      "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole]":
        "AWS's policy for a network interface, without which the function cannot be made.",
    });
    return publisher;
  }

  #grantRedis(): void {
    const { redis } = this.#platform.egress;
    allowEgress(this.function.connections, this.#platform.egress);
    redis.passwords.publisher.grantRead(this.function);
  }

  #readStream(stream: IStream): void {
    this.function.addEventSource(
      new KinesisEventSource(stream, {
        startingPosition: StartingPosition.LATEST,
        batchSize: STREAM_BATCH,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        retryAttempts: 3,
        // A price of a minute ago is of no use, and its shard waits for it.
        maxRecordAge: STREAM_RECORD_AGE,
        onFailure: new SqsDlq(this.failures),
      }),
    );
    this.#alarmOn("Lag", this.function.metric("IteratorAge", { statistic: "Maximum" }), 5_000);
  }

  #alarmOn(id: string, metric: IMetric, threshold: number): void {
    const alarm = new Alarm(this, `${id}Alarm`, {
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: `${this.node.id}: ${id === "Lag" ? "the stream is read too late, in ms" : "events failed for good"}`,
    });
    alarm.addAlarmAction(new SnsAction(this.#platform.alarmTopic));
  }
}
