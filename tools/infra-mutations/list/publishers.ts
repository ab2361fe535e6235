import { change, drop, find, type Mutation, mutationsOf, propertiesOf, remove, set } from "../mutation.ts";

const prod = mutationsOf("publishers", "both edges");
const other = mutationsOf("publishers", "domain and certificate");
const LAMBDA = "Lambda::Function/ordersFunction";
const RULE = "Events::Rule/ordersRule";
const INVOKE = "Lambda::EventInvokeConfig/ordersFunction";
const KINESIS = "Lambda::EventSourceMapping/marketdataFunctionKinesis";
const FAILURES = "SQS::Queue/ordersFailures";
const RETRIES = "SQS::Queue/ordersRetries";
const RETRY_SOURCE = "Lambda::EventSourceMapping/ordersFunction";
const VARIABLES = "Environment.Variables";

const policy = (part: string, edit: (statement: { Action: unknown; Resource: unknown }) => void) =>
  change("IAM::Policy/ordersFunctionServiceRole", ({ Properties }) => {
    for (const statement of Properties.PolicyDocument.Statement)
      if (JSON.stringify(statement.Action).includes(part)) edit(statement);
  });

const functions: Readonly<Record<string, Mutation["apply"]>> = {
  "runtime that is retired": set(LAMBDA, "Runtime", "nodejs18.x"),
  "bundle on Intel": set(LAMBDA, "Architectures", ["x86_64"]),
  "handler with a typing mistake": set(LAMBDA, "Handler", "index.handle"),
  "timeout of 3 s": set(LAMBDA, "Timeout", 3),
  "timeout of 15 min": set(LAMBDA, "Timeout", 900),
  "128 MB": set(LAMBDA, "MemorySize", 128),
  "outside the VPC": drop(LAMBDA, "VpcConfig"),
  "in public subnets": (t) => {
    const [lambda] = find(t, "AWS::Lambda::Function", /ordersFunction/);
    const subnets = find(t, "AWS::EC2::Subnet", /Public/).map(({ id }) => ({ "Fn::ImportValue": id }));
    if (lambda) lambda.resource.Properties.VpcConfig.SubnetIds = subnets;
  },
  "in isolated subnets": (t) => {
    propertiesOf(t, "AWS::Lambda::Function", /ordersFunction/).VpcConfig.SubnetIds = propertiesOf(
      t,
      "AWS::ElastiCache::SubnetGroup",
    ).SubnetIds;
  },
  "in the security group of another function": (t) => {
    propertiesOf(t, "AWS::Lambda::Function", /ordersFunction/).VpcConfig.SecurityGroupIds = propertiesOf(
      t,
      "AWS::Lambda::Function",
      /signalsFunction/,
    ).VpcConfig.SecurityGroupIds;
  },
  "log kept for ever": set(LAMBDA, "LoggingConfig", {}),
  "user of the gateway": set(LAMBDA, `${VARIABLES}.RT_REDIS_USERNAME`, "gateway"),
  "secret of the gateway": (t) => {
    const [container] = propertiesOf(t, "AWS::ECS::TaskDefinition").ContainerDefinitions;
    const secret = container.Environment.find(({ Name }: { Name: string }) => Name === "RT_REDIS_SECRET_ARN").Value;
    propertiesOf(t, "AWS::Lambda::Function", /ordersFunction/).Environment.Variables.RT_REDIS_SECRET_ARN = secret;
  },
  "password in the environment": set(LAMBDA, `${VARIABLES}.RT_REDIS_PASSWORD`, "a-password-of-the-template"),
  "no address of Redis": drop(LAMBDA, `${VARIABLES}.RT_REDIS_URL`),
  "Redis as one node": set(LAMBDA, `${VARIABLES}.RT_REDIS_CLUSTER`, "false"),
  "no hints": drop(LAMBDA, `${VARIABLES}.RT_EDGE_QUEUE_URL`),
  "hints to a queue of failures": set(
    LAMBDA,
    `${VARIABLES}.RT_EDGE_QUEUE_URL`,
    (_: unknown, t: never) =>
      propertiesOf(t, "AWS::Lambda::Function", /ordersFunction/).Environment.Variables.RT_FAILURE_QUEUE_URL,
  ),
  "failures to the queue of another": set(
    LAMBDA,
    `${VARIABLES}.RT_FAILURE_QUEUE_URL`,
    (_: unknown, t: never) =>
      propertiesOf(t, "AWS::Lambda::Function", /signalsFunction/).Environment.Variables.RT_FAILURE_QUEUE_URL,
  ),
  "no failure queue": drop(LAMBDA, `${VARIABLES}.RT_FAILURE_QUEUE_URL`),
  "another clock skew": set(LAMBDA, `${VARIABLES}.RT_MAXIMUM_CLOCK_SKEW_MS`, "1000"),
  "misspelt variable": change(LAMBDA, ({ Properties }) => {
    const { Variables } = Properties.Environment;
    Variables.RT_REDIS_SECRET = Variables.RT_REDIS_SECRET_ARN;
    delete Variables.RT_REDIS_SECRET_ARN;
  }),
  "may not read its secret": policy("secretsmanager", (statement) => {
    statement.Action = "secretsmanager:DescribeSecret";
  }),
  "may read every secret": policy("secretsmanager", (statement) => {
    statement.Resource = "*";
  }),
  "may not send": policy("sqs:SendMessage", (statement) => {
    statement.Action = ["sqs:GetQueueUrl"];
  }),
  "may send only to its failure queue": policy("sqs:SendMessage", (statement) => {
    statement.Resource = (statement.Resource as unknown[])[0];
  }),
  "may do all with queues": policy("sqs:SendMessage", (statement) => {
    statement.Action = "sqs:*";
  }),
  "may not create a network interface": set(
    "IAM::Role/ordersFunctionServiceRole",
    "ManagedPolicyArns",
    (arns: unknown[]) => arns.slice(0, 1),
  ),
  "may not write its log": set("IAM::Role/ordersFunctionServiceRole", "ManagedPolicyArns", (arns: unknown[]) =>
    arns.slice(1),
  ),
  "role of ECS": set(
    "IAM::Role/ordersFunctionServiceRole",
    "AssumeRolePolicyDocument.Statement.0.Principal.Service",
    "ecs-tasks.amazonaws.com",
  ),
  "role that everybody assumes": set(
    "IAM::Role/ordersFunctionServiceRole",
    "AssumeRolePolicyDocument.Statement.0.Principal",
    "*",
  ),
};

const events: Readonly<Record<string, Mutation["apply"]>> = {
  "rule that is off": set(RULE, "State", "DISABLED"),
  "rule of the default bus": drop(RULE, "EventBusName"),
  "source with a typing mistake": set(RULE, "EventPattern.source", ["vezta.order"]),
  "an event that is left out": set(RULE, "EventPattern.detail-type", (types: unknown[]) => types.slice(1)),
  "a pattern of all events": drop(RULE, "EventPattern.detail-type"),
  "a pattern with another field": set(RULE, "EventPattern", (pattern: object) => ({
    ...pattern,
    account: ["111122223333"],
  })),
  "rule of another function": (t) => {
    propertiesOf(t, "AWS::Events::Rule", /ordersRule/).Targets[0].Arn = propertiesOf(
      t,
      "AWS::Events::Rule",
      /signalsRule/,
    ).Targets[0].Arn;
  },
  "rule without a failure queue": drop(RULE, "Targets.0.DeadLetterConfig"),
  "rule with the failure queue of another": (t) => {
    propertiesOf(t, "AWS::Events::Rule", /ordersRule/).Targets[0].DeadLetterConfig = propertiesOf(
      t,
      "AWS::Events::Rule",
      /signalsRule/,
    ).Targets[0].DeadLetterConfig;
  },
  "delivery for a day": set(RULE, "Targets.0.RetryPolicy.MaximumEventAgeInSeconds", 86_400),
  "no second delivery": set(RULE, "Targets.0.RetryPolicy.MaximumRetryAttempts", 0),
  "rule that may not invoke": remove("Lambda::Permission/ordersRule"),
  "invocation by another rule": set(
    "Lambda::Permission/ordersRule",
    "SourceArn",
    "arn:aws:events:us-east-1:111122223333:rule/other",
  ),
  "invocation by anybody": set("Lambda::Permission/ordersRule", "Principal", "*"),
  "failure queue closed to the rule": set(
    "SQS::QueuePolicy/ordersFailures",
    "PolicyDocument.Statement",
    (list: unknown[]) => list.slice(0, 1),
  ),
  "failure queue open to all": set("SQS::QueuePolicy/ordersFailures", "PolicyDocument.Statement.1.Principal", "*"),
  "failure queue without TLS": set("SQS::QueuePolicy/ordersFailures", "PolicyDocument.Statement", (list: unknown[]) =>
    list.slice(1),
  ),
  "failure queue of FIFO": set(FAILURES, "FifoQueue", true),
  "failures kept for a day": set(FAILURES, "MessageRetentionPeriod", 86_400),
  "failures in clear": drop(FAILURES, "SqsManagedSseEnabled"),
  "failed events to another queue": (t) => {
    propertiesOf(t, "AWS::Lambda::EventInvokeConfig", /ordersFunction/).DestinationConfig = propertiesOf(
      t,
      "AWS::Lambda::EventInvokeConfig",
      /signalsFunction/,
    ).DestinationConfig;
  },
  "failed events lost": drop(INVOKE, "DestinationConfig"),
  "retries after the ids are forgotten": set(INVOKE, "MaximumEventAgeInSeconds", 21_600 * 10),
  "no retry": set(INVOKE, "MaximumRetryAttempts", 0),
  "retry queue without redrive": drop(RETRIES, "RedrivePolicy"),
  "retry queue with the failures of another": (t) => {
    propertiesOf(t, "AWS::SQS::Queue", /ordersRetries/).RedrivePolicy.deadLetterTargetArn = {
      "Fn::GetAtt": [find(t, "AWS::SQS::Queue", /signalsFailures/)[0]?.id, "Arn"],
    };
  },
  "retries for longer than the ids are known": set(RETRIES, "RedrivePolicy.maxReceiveCount", 1_000),
  "retries twice as far apart": set(RETRIES, "VisibilityTimeout", 180),
  "retry queue of FIFO": set(RETRIES, "FifoQueue", true),
  "retries kept for an hour": set(RETRIES, "MessageRetentionPeriod", 3_600),
  "retries while the last one still runs": set(RETRIES, "VisibilityTimeout", 15),
  "retries of a hundred at once": set(RETRY_SOURCE, "ScalingConfig.MaximumConcurrency", 100),
  "retries with settings of a stream": set(RETRY_SOURCE, "StartingPosition", "LATEST"),
  "retries in whole batches": drop(RETRY_SOURCE, "FunctionResponseTypes"),
  "retries that nobody reads": remove(RETRY_SOURCE),
  "archive of another bus": set("Events::Archive", "SourceArn", {
    "Fn::Join": ["", ["arn:aws:events:us-east-1:", { Ref: "AWS::AccountId" }, ":event-bus/default"]],
  }),
  "archive of one source": set("Events::Archive", "EventPattern", { source: ["vezta.orders"] }),
  "archive of a day": set("Events::Archive", "RetentionDays", 1),
  "no archive": remove("Events::Archive"),
  "limits of a version": set(INVOKE, "Qualifier", "1"),
  "no limits": remove(INVOKE),
  "stream from its beginning": set(KINESIS, "StartingPosition", "TRIM_HORIZON"),
  "stream read by another function": (t) => {
    propertiesOf(t, "AWS::Lambda::EventSourceMapping", /marketdataFunctionKinesis/).FunctionName = propertiesOf(
      t,
      "AWS::Lambda::EventInvokeConfig",
      /ordersFunction/,
    ).FunctionName;
  },
  "stream without partial failures": drop(KINESIS, "FunctionResponseTypes"),
  "stream whose bad records block": drop(KINESIS, "BisectBatchOnFunctionError"),
  "stream whose records are retried for ever": set(KINESIS, "MaximumRecordAgeInSeconds", 604_800),
  "stream whose failures are lost": drop(KINESIS, "DestinationConfig"),
  "stream one by one": set(KINESIS, "BatchSize", 1),
  "stream not read": remove(KINESIS),
  "stream that may not be read": change("IAM::Policy/marketdataFunctionServiceRole", ({ Properties }) => {
    Properties.PolicyDocument.Statement = Properties.PolicyDocument.Statement.filter(
      ({ Action }: { Action: unknown }) => !JSON.stringify(Action).includes("kinesis"),
    );
  }),
  "stream in clear": drop("Kinesis::Stream", "StreamEncryption"),
  "stream of one shard": set("Kinesis::Stream", "ShardCount", 1),
  "stream deleted with its stack": change("Kinesis::Stream", (stream) => {
    stream.DeletionPolicy = "Delete";
  }),
  "bus of another name": set("Events::EventBus", "Name", "realtime"),
  "parameter of another name": set("SSM::Parameter/redisurl", "Name", "/vezta-realtime/test/redis"),
  "parameter with another value": set(
    "SSM::Parameter/redissecretarn",
    "Value",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:other",
  ),
  "parameter with the data subnets": set("SSM::Parameter/subnetids", "Value", (_: unknown, t: never) => ({
    "Fn::Join": [",", propertiesOf(t, "AWS::ElastiCache::SubnetGroup").SubnetIds],
  })),
  "no parameter of the group": remove("SSM::Parameter/securitygroupid"),
};

/** Mistakes in the way of an event to Redis. */
export const publisherMutations: readonly Mutation[] = [
  ...prod(functions),
  ...prod(events),
  ...other({
    "bus open to every account": set("Events::EventBusPolicy", "Statement.Principal", "*"),
    "bus open to another account": set("Events::EventBusPolicy", "Statement.Principal", {
      AWS: "arn:aws:iam::999988887777:root",
    }),
    "bus whose rules others change": set("Events::EventBusPolicy", "Statement.Action", "events:*"),
    "bus for events of any source": drop("Events::EventBusPolicy", "Statement.Condition"),
    "no reserved concurrency": drop(LAMBDA, "ReservedConcurrentExecutions"),
    "stream of another mode": set("Kinesis::Stream", "StreamModeDetails.StreamMode", "PROVISIONED"),
  }),
];
