import { join } from "node:path";
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table } from "aws-cdk-lib/aws-dynamodb";
import type { IVpc } from "aws-cdk-lib/aws-ec2";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { edgeTable } from "../../kernel/managed-edge/edge-table.ts";
import type { EnvironmentConfig } from "../config/config.ts";
import { acknowledge } from "../constructs/support/acknowledge.ts";
import { alarmOn } from "../constructs/support/alarm-on.ts";
import { createFunction } from "../constructs/support/create-function.ts";
import { authVariables, functionVariables, redisVariables } from "../constructs/support/environment.ts";
import type { RedisAccess } from "../constructs/support/redis-access.ts";
import { subnetGroups } from "../constructs/support/subnet-groups.ts";
import type { TokenIssuer } from "../constructs/support/token-issuer.ts";
import { RealtimeWebSocketApi } from "../constructs/websocket-api.ts";
import { ourCode, projectRoot } from "../our-code.ts";
import { damagedStatesOf } from "./support/damaged-states.ts";
import { describeUse } from "./support/describe-use.ts";

export interface ManagedEdgeStackProps extends StackProps {
  readonly vpc: IVpc;
  readonly redis: RedisAccess;
  readonly tokenIssuer: TokenIssuer;
  readonly alarmTopic: ITopic;
  readonly config: EnvironmentConfig;
}

/**
 * The timeouts of the functions. API Gateway's limit for an integration is 29 s: a subscribe to a whole channel of 10,000
 * markets sends hundreds of messages. The fan-out stops posting after 10 s, and the steps after that have their own limits.
 */
const TIMEOUTS: Readonly<Record<EdgeFunction, Duration>> = {
  authorizer: Duration.seconds(20),
  connection: Duration.seconds(20),
  messages: Duration.seconds(28),
  "fan-out": Duration.seconds(25),
};

/** After this a failed batch is retried. Little longer than an invocation: the streams of the batch wait for it. */
const VISIBILITY_TIMEOUT = Duration.seconds(30);

/** At the third attempt the fan-out closes connections that block a stream; a batch that still fails shows a defect. */
const MAXIMUM_RECEIVES = 6;

/** The largest batch of a FIFO queue. */
const BATCH_SIZE = 10;

/** The age of the oldest hint, in seconds, at which the alarm fires. */
const MAXIMUM_WAIT_SECONDS = 30;

/** The failed requests in five minutes at which the alarm fires. */
const MAXIMUM_ERRORS = 10;

const TABLE_ACTIONS = ["PutItem", "GetItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "Query"].map(
  (action) => `dynamodb:${action}`,
);

type EdgeFunction = "authorizer" | "connection" | "messages" | "fan-out";

/** The folder of each function's handler. */
const FOLDERS: Readonly<Record<EdgeFunction, string>> = {
  authorizer: "connect",
  connection: "connect",
  messages: "messages",
  "fan-out": "fan-out",
};

/** In MB. The fan-out gets a whole processor: it encrypts and signs a thousand posts a second and is billed by time. */
const MEMORY: Readonly<Record<EdgeFunction, number>> = {
  authorizer: 256,
  connection: 256,
  messages: 512,
  "fan-out": 1_769,
};

/** The managed edge: an API Gateway WebSocket API, a table of subscriptions, a queue of hints, and functions. */
export class ManagedEdgeStack extends Stack {
  /** The queue in which publishers leave hints: "this stream has news". */
  readonly hintQueue: Queue;
  readonly #props: ManagedEdgeStackProps;
  readonly #table: Table;
  readonly #api: RealtimeWebSocketApi;

  constructor(scope: Construct, id: string, props: ManagedEdgeStackProps) {
    const { vpc: _vpc, redis: _redis, tokenIssuer: _issuer, alarmTopic: _topic, config, ...stackProps } = props;
    super(scope, id, stackProps);
    this.#props = props;
    this.#table = this.#createTable(config);
    this.hintQueue = this.#createQueue();
    this.#api = new RealtimeWebSocketApi(this, "WebSocket");
    const fanOut = this.#createFanOut(config.managedEdge);
    const messages = this.#createMessages();
    this.#api.route(
      { authorizer: this.#createAuthorizer(), connection: this.#createConnection(), messages },
      { ...config.managedEdge, logRetentionDays: config.logRetentionDays },
    );
    this.#alarmOnErrors();
    this.#alarmOnDamagedStates({ fanOut, messages });
    new CfnOutput(this, "Endpoint", {
      value: this.#api.url,
      description: "The URL that clients of the managed edge connect to, with any WebSocket client: docs/protocol.md",
    });
    describeUse(this, this.#api.url, config);
  }

  #createTable({ protection }: EnvironmentConfig): Table {
    const table = new Table(this, "Connections", {
      partitionKey: { name: edgeTable.partitionKey, type: AttributeType.STRING },
      sortKey: { name: edgeTable.sortKey, type: AttributeType.STRING },
      timeToLiveAttribute: edgeTable.timeToLive,
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: protection },
      deletionProtection: protection,
      // The rows describe connections, and they end with the API.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    if (!protection) {
      acknowledge(table, {
        "AwsSolutions-DDB3": "A trial: rows expire after two hours, and clients that reconnect create them again.",
      });
    }
    return table;
  }

  #createQueue(): Queue {
    const shared = { fifo: true, encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true } as const;
    const failures = new Queue(this, "Failures", { ...shared, retentionPeriod: Duration.days(14) });
    const queue = new Queue(this, "Hints", {
      ...shared,
      // A group is a stream and deduplicates on its own, so that throughput limits apply per stream.
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      visibilityTimeout: VISIBILITY_TIMEOUT,
      // A hint that is an hour old is of no use: the next hint of its stream delivers the same messages.
      retentionPeriod: Duration.hours(1),
      deadLetterQueue: { queue: failures, maxReceiveCount: MAXIMUM_RECEIVES },
    });
    alarmOn(this, "Failures", {
      metric: failures.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1) }),
      threshold: 0,
      description: "managed edge: hints were moved to the failure queue",
      runbook: "hints-failed",
      topic: this.#props.alarmTopic,
    });
    alarmOn(this, "Lag", {
      metric: queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1) }),
      threshold: MAXIMUM_WAIT_SECONDS,
      description: `managed edge: the fan-out is more than ${MAXIMUM_WAIT_SECONDS} s behind`,
      runbook: "fan-out-behind",
      topic: this.#props.alarmTopic,
    });
    return queue;
  }

  #create(name: EdgeFunction, environment: Readonly<Record<string, string>>, isInVpc: boolean): NodejsFunction {
    const { vpc, redis, config } = this.#props;
    return createFunction(new Construct(this, name), {
      ...ourCode,
      entry: join(projectRoot, "lambdas/managed-edge", FOLDERS[name], `${name}.handler.ts`),
      description: `Managed edge: ${name}`,
      timeout: TIMEOUTS[name],
      memorySize: MEMORY[name],
      environment: { ...environment, ...functionVariables(`managed-edge-${name}`) },
      network: isInVpc ? { vpc, subnets: { subnetGroupName: subnetGroups.compute }, egress: { redis } } : undefined,
      logRetentionDays: config.logRetentionDays,
    });
  }

  /** Outside the VPC, where the issuer's keys can be fetched and cold starts need no network interface. */
  #createAuthorizer(): NodejsFunction {
    return this.#create("authorizer", authVariables(this.#props.tokenIssuer), false);
  }

  #createConnection(): NodejsFunction {
    const connection = this.#create("connection", { RT_EDGE_TABLE: this.#table.tableName }, false);
    this.#table.grant(connection, ...TABLE_ACTIONS);
    return connection;
  }

  #createMessages(): NodejsFunction {
    return this.#createWithRedis("messages", authVariables(this.#props.tokenIssuer));
  }

  #createFanOut({ fanOutConcurrency: maxConcurrency, windowMs }: EnvironmentConfig["managedEdge"]): NodejsFunction {
    const fanOut = this.#createWithRedis("fan-out", {
      RT_EDGE_QUEUE_URL: this.hintQueue.queueUrl,
      RT_EDGE_WINDOW_MS: String(windowMs),
    });
    // The rest of a large room.
    this.hintQueue.grantSendMessages(fanOut);
    fanOut.addEventSource(
      new SqsEventSource(this.hintQueue, { batchSize: BATCH_SIZE, maxConcurrency, reportBatchItemFailures: true }),
    );
    return fanOut;
  }

  #createWithRedis(name: EdgeFunction, more: Readonly<Record<string, string>>): NodejsFunction {
    const { redis } = this.#props;
    const password = redis.passwords["managed-edge"];
    const environment = {
      ...redisVariables(redis, "managed-edge"),
      RT_REDIS_SECRET_ARN: password.secretArn,
      RT_EDGE_TABLE: this.#table.tableName,
      RT_EDGE_MANAGEMENT_URL: this.#api.managementUrl,
      ...more,
    };
    const lambda = this.#create(name, environment, true);
    password.grantRead(lambda);
    this.#table.grant(lambda, ...TABLE_ACTIONS);
    this.#api.grantManageConnections(lambda);
    return lambda;
  }

  #alarmOnErrors(): void {
    alarmOn(this, "Errors", {
      metric: this.#api.api.metric("IntegrationError", { statistic: "Sum", period: Duration.minutes(5) }),
      threshold: MAXIMUM_ERRORS,
      description: "managed edge: requests of clients fail with a server error",
      runbook: "managed-edge-errors",
      topic: this.#props.alarmTopic,
    });
  }

  #alarmOnDamagedStates(functions: Readonly<Record<string, NodejsFunction>>): void {
    alarmOn(this, "DamagedStates", {
      metric: damagedStatesOf(functions),
      threshold: 0,
      description: "managed edge: values of state channels in Redis are not those that were published",
      runbook: "damaged-values",
      topic: this.#props.alarmTopic,
    });
  }
}
