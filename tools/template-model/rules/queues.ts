import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import { failuresOf, publishersOf, queueStatements, retriesOf } from "./events.ts";
import { refusesClearText } from "./policies.ts";
import { handlerOf } from "./programs.ts";

const MINUTE = 60;
const FOURTEEN_DAYS = 1_209_600;

/** A stream is read by the publisher of market data, with limits that keep a bad record from blocking its shard. */
function kinesisFindings(model: Model, mapping: Resource): Finding[] {
  const p = mapping.properties;
  const lambda = model.target(p.FunctionName, "AWS::Lambda::Function");
  const failures = failuresOf(model, lambda);
  return failed(mapping, {
    "is read by another function than that of market data": lambda && handlerOf(model, lambda) === "market-data",
    "loses records that it cannot publish":
      failures && p.DestinationConfig?.OnFailure?.Destination === referenceTo(failures, "Arn"),
    "retries records that are of no use any more":
      p.MaximumRecordAgeInSeconds === MINUTE && p.MaximumRetryAttempts >= 2,
    "retries a whole batch for one bad record": p.BisectBatchOnFunctionError === true,
    "begins with records of yesterday": p.StartingPosition === "LATEST",
    "takes batches that are too small or too large": p.BatchSize >= 50 && p.BatchSize <= 500,
    "waits for a batch": p.MaximumBatchingWindowInSeconds === undefined,
    "has settings of a queue": p.ScalingConfig === undefined,
  });
}

const hasNothingOfStream = (p: Resource["properties"]): boolean =>
  p.StartingPosition === undefined &&
  p.BisectBatchOnFunctionError === undefined &&
  p.DestinationConfig === undefined &&
  p.MaximumRecordAgeInSeconds === undefined &&
  p.MaximumRetryAttempts === undefined;

/** A publisher's retries: few at once, and each event on its own. */
function retryMappingFindings(model: Model, mapping: Resource, queue: Resource): Finding[] {
  const p = mapping.properties;
  const lambda = model.target(p.FunctionName, "AWS::Lambda::Function");
  const isPublisher = publishersOf(model).some((each) => each === lambda);
  return failed(mapping, {
    "is read by another function than a publisher": isPublisher,
    "has settings of a stream": hasNothingOfStream(p),
    "retries a whole batch for one event": p.FunctionResponseTypes?.includes("ReportBatchItemFailures"),
    "retries so many at once that it is no help to Redis":
      p.BatchSize <= 10 && p.ScalingConfig?.MaximumConcurrency >= 2 && p.ScalingConfig?.MaximumConcurrency <= 5,
    // docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: at least six times the function's timeout.
    "gives events out again while they are worked on":
      queue.properties.VisibilityTimeout >= 6 * (lambda?.properties.Timeout ?? 0) &&
      queue.properties.VisibilityTimeout <= 10 * MINUTE,
  });
}

function hintMappingFindings(model: Model, mapping: Resource, queue: Resource): Finding[] {
  const p = mapping.properties;
  const lambda = model.target(p.FunctionName, "AWS::Lambda::Function");
  return failed(mapping, {
    "is read by another function than the fan-out": lambda && handlerOf(model, lambda) === "fan-out",
    // docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: FIFO takes 10 messages at most, and no window.
    "has a batch, or a window, that a FIFO queue does not have":
      !queue.properties.FifoQueue || (p.BatchSize <= 10 && p.MaximumBatchingWindowInSeconds === undefined),
    "has settings of a stream": hasNothingOfStream(p),
    "has another concurrency than configured":
      p.ScalingConfig?.MaximumConcurrency === model.config.managedEdge.fanOutConcurrency,
    "gives messages out again while they are worked on":
      queue.properties.VisibilityTimeout >= lambda?.properties.Timeout &&
      queue.properties.VisibilityTimeout <= 2 * (lambda?.properties.Timeout ?? 0),
    "gives up at the first attempts":
      queue.properties.RedrivePolicy?.maxReceiveCount >= 3 && queue.properties.RedrivePolicy?.maxReceiveCount <= 20,
    "keeps hints until they are of no use":
      queue.properties.MessageRetentionPeriod >= 300 && queue.properties.MessageRetentionPeriod <= 21_600,
    "works with one batch at a time": p.BatchSize === 10,
  });
}

const mappingsRule: Rule = (model) =>
  model.ofType("AWS::Lambda::EventSourceMapping").flatMap((mapping) => {
    const queue = model.target(mapping.properties.EventSourceArn, "AWS::SQS::Queue", "Arn");
    if (queue) return (queue.properties.FifoQueue ? hintMappingFindings : retryMappingFindings)(model, mapping, queue);
    if (model.target(mapping.properties.EventSourceArn, "AWS::Kinesis::Stream", "Arn"))
      return kinesisFindings(model, mapping);
    return failed(mapping, { "reads something that is neither a queue nor a stream": false });
  });

const mappingCountRule: Rule = (model) => {
  const { managedEdge, events } = model.config;
  const sources = model.ofType("AWS::Lambda::EventSourceMapping").map(({ properties }) => properties.EventSourceArn);
  return failed(
    { name: "event sources" },
    {
      "are not those of the configuration":
        sources.length ===
        publishersOf(model).length + (managedEdge.enabled ? 1 : 0) + (events.marketStream === "none" ? 0 : 1),
      "are read twice": new Set(sources).size === sources.length,
    },
  );
};

const streamRule: Rule = (model) =>
  model.ofType("AWS::Kinesis::Stream").flatMap(({ name, properties: p }) => {
    const { marketStream, marketStreamShards } = model.config.events;
    const isProvisioned = marketStream === "provisioned";
    return failed(
      { name },
      {
        "has another mode than configured":
          p.StreamModeDetails?.StreamMode === (isProvisioned ? "PROVISIONED" : "ON_DEMAND"),
        "has other shards than configured": p.ShardCount === (isProvisioned ? marketStreamShards : undefined),
        "has a key that costs, or none": p.StreamEncryption?.KeyId === "alias/aws/kinesis",
        "keeps records for longer than they are read": p.RetentionPeriodHours === 24,
      },
    );
  });

/** Queues take nothing without TLS and let nobody in from outside; what is moved to one stays for two weeks. */
const queuesRule: Rule = (model) => {
  const queues = model.ofType("AWS::SQS::Queue");
  const read = model.ofType("AWS::Lambda::EventSourceMapping").map(({ properties }) => properties.EventSourceArn);
  return queues.flatMap((queue) => {
    const statements = queueStatements(model, queue);
    const own = referenceTo(queue, "Arn");
    const isRead = read.includes(own);
    const isRetries = publishersOf(model).some((lambda) => retriesOf(model, lambda) === queue);
    const dead = model.target(queue.properties.RedrivePolicy?.deadLetterTargetArn, "AWS::SQS::Queue", "Arn");
    return failed(queue, {
      "takes requests without TLS": refusesClearText(statements, "sqs:*", own),
      "lets anybody in": statements.every(
        ({ Effect, Principal, Condition }) =>
          Effect === "Deny" || (!JSON.stringify(Principal).includes('"*"') && Condition !== undefined),
      ),
      "loses what cannot be processed": !isRead || dead,
      "moves to a queue of another kind": !dead || dead.properties.FifoQueue === queue.properties.FifoQueue,
      "moves to itself": dead !== queue,
      "keeps failures for less than two weeks":
        (isRead && !isRetries) || queue.properties.MessageRetentionPeriod === FOURTEEN_DAYS,
      // Neither EventBridge nor Lambda sends failures to a FIFO queue.
      "is FIFO, which its senders are not":
        (!isRetries && publishersOf(model).every((lambda) => failuresOf(model, lambda) !== queue)) ||
        queue.properties.FifoQueue === undefined,
      "works through one message after the other":
        !queue.properties.FifoQueue ||
        !isRead ||
        (queue.properties.DeduplicationScope === "messageGroup" &&
          queue.properties.FifoThroughputLimit === "perMessageGroupId"),
      "is not FIFO: hints of one stream would pass each other":
        !isRead || isRetries || queue.properties.FifoQueue === true,
    });
  });
};

/** The rules of queues and of the stream, and of the functions that read them. */
export const queueRules: readonly Rule[] = [mappingsRule, mappingCountRule, streamRule, queuesRule];
