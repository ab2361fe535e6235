import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import { type EventPattern, type IEventBus, Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import { StartingPosition } from "aws-cdk-lib/aws-lambda";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import { KinesisEventSource, SqsDlq } from "aws-cdk-lib/aws-lambda-event-sources";
import type { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { type IQueue, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { FROZEN_STREAMS, PUBLISH_METRICS } from "../../kernel/streams/publish-metrics.ts";
import { acknowledge } from "./support/acknowledge.ts";
import { alarmOn } from "./support/alarm-on.ts";
import { createFunction } from "./support/create-function.ts";
import type { Egress } from "./support/egress.ts";
import { functionVariables, redisVariables } from "./support/environment.ts";
import { maximumEventAge, STREAM_RECORD_AGE } from "./support/retry-window.ts";

/** What every publisher of an environment shares. `DomainEventsStack.platform` has it. */
export interface PublisherPlatform {
  readonly bus: IEventBus;
  readonly vpc: IVpc;
  readonly egress: Egress;
  readonly alarmTopic: ITopic;
  readonly logRetentionDays: number;
  readonly reservedConcurrency?: number | undefined;
  /** How far ahead of Redis's clock a version that is a time may be, in ms. */
  readonly maximumClockSkewMs: number;
  /** Where there is a managed edge, which learns of new messages by it. */
  readonly managedEdgeQueue?: IQueue | undefined;
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

/** It waits for Redis most of the time. */
const MEMORY_MB = 256;

/** Above it prices are too old to be of use. */
const MAXIMUM_LAG_MS = 5_000;

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
    new Rule(this, "Rule", {
      eventBus: props.platform.bus,
      eventPattern: props.eventPattern,
      targets: [
        // Bounds delivery to the function; what the function throws is bounded by its own retries.
        new LambdaFunction(this.function, { deadLetterQueue: this.failures, maxEventAge, retryAttempts: 185 }),
      ],
    });
    alarmOn(this, "Failures", {
      metric: this.failures.metricApproximateNumberOfMessagesVisible(),
      threshold: 0,
      description: `${id}: events failed for good`,
      topic: props.platform.alarmTopic,
    });
    this.#alarmOnFrozenStreams(props.channels);
    if (props.stream) this.#readStream(props.stream);
  }

  /** What the function writes to its log in the embedded metric format. */
  #alarmOnFrozenStreams(channels: readonly Channel[]): void {
    if (channels.every((channel) => channelDefinition(channel).stateOf === "nothing")) return;
    const { namespace, service } = PUBLISH_METRICS;
    alarmOn(this, "FrozenStreams", {
      metric: new Metric({
        namespace,
        metricName: FROZEN_STREAMS,
        dimensionsMap: { service, FunctionName: this.function.functionName },
        statistic: "Maximum",
      }),
      threshold: 0,
      description: `${this.node.id}: streams get nothing but older states; check the producer's versions`,
      topic: this.#platform.alarmTopic,
    });
  }

  #createFunction(entry: string, maxEventAge: Duration): NodejsFunction {
    const { vpc, egress, logRetentionDays, reservedConcurrency, managedEdgeQueue, maximumClockSkewMs } = this.#platform;
    const { redis } = egress;
    const publisher = createFunction(this, {
      entry,
      description: `Publishes events of ${this.node.id} to their channels`,
      timeout: TIMEOUT,
      environment: {
        ...redisVariables(redis, "publisher"),
        RT_REDIS_SECRET_ARN: redis.passwords.publisher.secretArn,
        ...(managedEdgeQueue ? { RT_EDGE_QUEUE_URL: managedEdgeQueue.queueUrl } : {}),
        RT_MAXIMUM_CLOCK_SKEW_MS: String(maximumClockSkewMs),
        ...functionVariables(this.node.id),
      },
      network: { vpc, egress },
      logRetentionDays,
      memorySize: MEMORY_MB,
      reservedConcurrentExecutions: reservedConcurrency,
      retryAttempts: 2,
      maxEventAge,
      onFailure: new SqsDestination(this.failures),
    });
    redis.passwords.publisher.grantRead(publisher);
    managedEdgeQueue?.grantSendMessages(publisher);
    return publisher;
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
    alarmOn(this, "Lag", {
      metric: this.function.metric("IteratorAge", { statistic: "Maximum" }),
      threshold: MAXIMUM_LAG_MS,
      description: `${this.node.id}: the stream is read too late, in ms`,
      topic: this.#platform.alarmTopic,
    });
  }
}
