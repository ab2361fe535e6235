import { Duration, Tokenization } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { type EventPattern, Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import { StartingPosition } from "aws-cdk-lib/aws-lambda";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import { KinesisEventSource, SqsDlq, SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { FROZEN_STREAMS, PUBLISH_METRICS } from "../../kernel/streams/publish-metrics.ts";
import { acknowledge } from "./support/acknowledge.ts";
import { alarmOn } from "./support/alarm-on.ts";
import { createFunction, type FunctionCode } from "./support/create-function.ts";
import { functionVariables, redisVariables } from "./support/environment.ts";
import type { PublisherPlatform } from "./support/publisher-platform.ts";
import { RETRY_INTERVAL, type RetryWindow, retryWindow, STREAM_RECORD_AGE } from "./support/retry-window.ts";

export interface DomainEventPublisherProps extends FunctionCode {
  /** The environment to publish to: `RealtimePlatform.fromEnvironment(this, "prod")`. */
  readonly platform: PublisherPlatform;
  /** The events of the bus that invoke the function. */
  readonly eventPattern: EventPattern;
  /** The channels that the function publishes to. Their dedupe windows limit how long an event is retried. */
  readonly channels: readonly Channel[];
  /**
   * A Kinesis stream that invokes the function as well.
   *
   * @default - none
   */
  readonly stream?: IStream | undefined;
}

const TIMEOUT = Duration.seconds(15);

/** The function waits for Redis most of the time. */
const MEMORY_MB = 256;

/** Prices that are older are of no use. */
const MAXIMUM_LAG_MS = 5_000;

/** Time for which events may fail before a person should look; they are retried for much longer. */
const MAXIMUM_RETRY_SECONDS = 900;

/** Records per invocation: 100 to 500 keep Redis busy and a retry of the batch cheap. */
const STREAM_BATCH = 200;

/**
 * A function that publishes domain events to channels, with rule, network, Redis access, permissions, retries, failure
 * queue and alarms.
 *
 * @example
 * new DomainEventPublisher(this, "Rewards", {
 *   platform: RealtimePlatform.fromEnvironment(this, "prod"),
 *   entry: "functions/rewards.ts",
 *   eventPattern: { source: ["vezta.rewards"], detailType: ["RewardGranted"] },
 *   channels: ["user:notifications"],
 * });
 */
export class DomainEventPublisher extends Construct {
  readonly function: NodejsFunction;
  /**
   * The failure queue: each event as its source wrote it, with the reason beside it. Those that the function moved there
   * because something in them is wrong, and those whose retries are exhausted. Keeps them for 14 days; `vezta redrive` puts
   * them back.
   */
  readonly failures: Queue;
  /** The retry queue: events that failed for another reason, tried again for as long as the channels remember their ids. */
  readonly retries: Queue;
  readonly #platform: PublisherPlatform;

  constructor(scope: Construct, id: string, props: DomainEventPublisherProps) {
    super(scope, id);
    this.#platform = props.platform;
    const window = retryWindow(props.channels);
    const settings = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: Duration.days(14) };
    this.failures = new Queue(this, "Failures", settings);
    this.retries = new Queue(this, "Retries", {
      ...settings,
      visibilityTimeout: RETRY_INTERVAL,
      deadLetterQueue: { queue: this.failures, maxReceiveCount: window.retries },
    });
    acknowledge(this.failures, { "AwsSolutions-SQS3": "It is the dead-letter queue of a rule and a function." });
    this.function = this.#createFunction(props, window);
    this.function.addEventSource(
      // Few at once: what fails is often Redis, and more attempts would not help it.
      new SqsEventSource(this.retries, { batchSize: 10, maxConcurrency: 2, reportBatchItemFailures: true }),
    );
    new Rule(this, "Rule", {
      eventBus: props.platform.bus,
      eventPattern: props.eventPattern,
      targets: [
        // Limits delivery to the function; errors of the function itself are limited by its own retries.
        new LambdaFunction(this.function, {
          deadLetterQueue: this.failures,
          maxEventAge: window.delivery,
          retryAttempts: 185,
        }),
      ],
    });
    alarmOn(this, "Failures", {
      metric: this.failures.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1) }),
      threshold: 0,
      description: `${id}: events were moved to the failure queue`,
      runbook: "events-failed",
      topic: props.platform.alarmTopic,
    });
    alarmOn(this, "Retries", {
      metric: this.retries.metricApproximateAgeOfOldestMessage(),
      threshold: MAXIMUM_RETRY_SECONDS,
      description: `${id}: events have failed for 15 minutes and are being retried`,
      runbook: "events-retried",
      topic: props.platform.alarmTopic,
    });
    this.#alarmOnFrozenStreams(props.channels);
    if (props.stream) this.#readStream(props.stream);
  }

  /** The metric is written by publish(), to the function's log in the embedded metric format. */
  #alarmOnFrozenStreams(channels: readonly Channel[]): void {
    if (channels.every((channel) => channelDefinition(channel).stateOf === "nothing")) return;
    const { namespace, service } = PUBLISH_METRICS;
    alarmOn(this, "FrozenStreams", {
      metric: new Metric({
        namespace,
        metricName: FROZEN_STREAMS,
        dimensionsMap: { service, FunctionName: this.function.functionName },
        statistic: "Maximum",
        period: Duration.minutes(1),
      }),
      threshold: 0,
      description: `${this.node.id}: streams receive only outdated states; check the versions (or clock) of the producer`,
      runbook: "frozen-streams",
      topic: this.#platform.alarmTopic,
    });
  }

  #createFunction({ entry, projectRoot, depsLockFilePath }: FunctionCode, window: RetryWindow): NodejsFunction {
    const { network, redis, logRetentionDays, reservedConcurrency, hintQueue, maximumClockSkewMs } = this.#platform;
    const publisher = createFunction(this, {
      entry,
      projectRoot,
      depsLockFilePath,
      description: `Publishes events of ${this.node.id} to their channels`,
      timeout: TIMEOUT,
      environment: {
        ...redisVariables(redis, "publisher"),
        RT_REDIS_SECRET_ARN: redis.password.secretArn,
        ...(hintQueue ? { RT_EDGE_QUEUE_URL: hintQueue.queueUrl } : {}),
        RT_FAILURE_QUEUE_URL: this.failures.queueUrl,
        RT_MAXIMUM_CLOCK_SKEW_MS: Tokenization.stringifyNumber(maximumClockSkewMs),
        ...functionVariables(this.node.id),
      },
      network,
      logRetentionDays,
      memorySize: MEMORY_MB,
      reservedConcurrentExecutions: reservedConcurrency,
      retryAttempts: 2,
      maxEventAge: window.invocation,
      onFailure: new SqsDestination(this.retries),
    });
    this.failures.grantSendMessages(publisher);
    redis.password.grantRead(publisher);
    hintQueue?.grantSendMessages(publisher);
    return publisher;
  }

  #readStream(stream: IStream): void {
    this.function.addEventSource(
      new KinesisEventSource(stream, {
        startingPosition: StartingPosition.LATEST,
        batchSize: STREAM_BATCH,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        // As often as the record's age allows; before that the function moves the record to the failure queue itself.
        retryAttempts: 10_000,
        // A price that is a minute old is of no use, and retrying it blocks its shard.
        maxRecordAge: STREAM_RECORD_AGE,
        onFailure: new SqsDlq(this.failures),
      }),
    );
    alarmOn(this, "Lag", {
      metric: this.function.metric("IteratorAge", { statistic: "Maximum" }),
      threshold: MAXIMUM_LAG_MS,
      description: `${this.node.id}: the stream is read more than 5 s late`,
      runbook: "stream-behind",
      topic: this.#platform.alarmTopic,
    });
  }
}
