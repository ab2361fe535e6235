import { channelDefinition } from "../../../contract/channels.ts";
import { domainNames, domains } from "../../../contract/domain-events.ts";
import { FROZEN_STREAMS, PUBLISH_METRICS } from "../../../kernel/streams/publish-metrics.ts";
import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import { handlerOf } from "./programs.ts";

/** A metric that alarms can watch: who emits it, and how its samples are to be put together. */
interface Metric {
  /** The dimension that names the emitter, its type, and the attribute in that dimension. */
  readonly dimension: string;
  readonly type: string;
  readonly attribute?: string;
  readonly statistics: readonly string[];
  /** The thresholds that make sense. */
  readonly threshold: readonly [number, number];
  /** True if the emitter is one that the alarm is for. */
  readonly isFor?: (model: Model, emitter: Resource) => boolean;
}

const isFailureQueue = (model: Model, queue: Resource): boolean =>
  !readSources(model).includes(referenceTo(queue, "Arn"));

/** Returns the queues and streams that functions read. */
export const readSources = (model: Model): string[] =>
  model.ofType("AWS::Lambda::EventSourceMapping").map(({ properties }) => properties.EventSourceArn);

const readsStream = (model: Model, lambda: Resource): boolean =>
  model
    .ofType("AWS::Lambda::EventSourceMapping")
    .some(
      ({ properties }) =>
        properties.FunctionName === referenceTo(lambda) &&
        model.target(properties.EventSourceArn, "AWS::Kinesis::Stream", "Arn"),
    );

const domainOf = (model: Model, lambda: Resource) => domainNames.find((name) => name === handlerOf(model, lambda));

const hasStates = (model: Model, lambda: Resource): boolean => {
  const domain = domainOf(model, lambda);
  return (
    domain !== undefined && domains[domain].some(({ channel }) => channelDefinition(channel).stateOf !== "nothing")
  );
};

const ofQueue = { dimension: "QueueName", type: "AWS::SQS::Queue", attribute: "QueueName", statistics: ["Maximum"] };
const ofFunction = { dimension: "FunctionName", type: "AWS::Lambda::Function" };
const ofBalancer = {
  dimension: "LoadBalancer",
  type: "AWS::ElasticLoadBalancingV2::LoadBalancer",
  attribute: "LoadBalancerFullName",
};

const metrics: Readonly<Record<string, Metric>> = {
  "AWS/SQS ApproximateNumberOfMessagesVisible": { ...ofQueue, threshold: [0, 0], isFor: isFailureQueue },
  "AWS/SQS ApproximateAgeOfOldestMessage": {
    ...ofQueue,
    threshold: [10, 120],
    isFor: (model, queue) => !isFailureQueue(model, queue),
  },
  "AWS/Lambda IteratorAge": { ...ofFunction, statistics: ["Maximum"], threshold: [1_000, 30_000], isFor: readsStream },
  "AWS/Lambda Errors": { ...ofFunction, statistics: ["Sum"], threshold: [0, 1_000] },
  "AWS/Lambda Throttles": { ...ofFunction, statistics: ["Sum"], threshold: [0, 1_000] },
  "AWS/ApiGateway IntegrationError": {
    dimension: "ApiId",
    type: "AWS::ApiGatewayV2::Api",
    statistics: ["Sum"],
    threshold: [1, 100],
  },
  "AWS/ApplicationELB UnHealthyHostCount": { ...ofBalancer, statistics: ["Maximum"], threshold: [0, 10] },
  "AWS/ApplicationELB HTTPCode_ELB_5XX_Count": { ...ofBalancer, statistics: ["Sum"], threshold: [0, 10_000] },
  [`${PUBLISH_METRICS.namespace} ${FROZEN_STREAMS}`]: {
    ...ofFunction,
    statistics: ["Maximum"],
    threshold: [0, 0],
    isFor: hasStates,
  },
};

/** Alarm → metric → resource that emits it → topic → address. */
function alarmFindings(model: Model, alarm: Resource): Finding[] {
  const p = alarm.properties;
  const metric = metrics[`${p.Namespace} ${p.MetricName}`];
  const dimensions: { Name: string; Value: string }[] = p.Dimensions ?? [];
  const value = dimensions.find(({ Name }) => Name === metric?.dimension)?.Value;
  const emitter = metric && model.target(value, metric.type, metric.attribute);
  const extra = dimensions.filter(({ Name }) => Name !== metric?.dimension);
  const isOwn = p.Namespace === PUBLISH_METRICS.namespace;
  return failed(alarm, {
    "watches a metric that nobody emits": metric,
    "watches nothing that emits its metric": emitter,
    "watches another resource than it is for":
      emitter &&
      (metric.isFor?.(model, emitter) ?? true) &&
      emitter.stack === alarm.stack &&
      describes(model, alarm, emitter),
    "has dimensions that its metric has not": isOwn
      ? JSON.stringify(extra) === JSON.stringify([{ Name: "service", Value: PUBLISH_METRICS.service }])
      : extra.length === 0,
    "puts samples together wrongly": metric?.statistics.includes(p.Statistic),
    "has a threshold at which nothing is wrong, or all is":
      metric && p.Threshold >= metric.threshold[0] && p.Threshold <= metric.threshold[1],
    "fires while all is well": p.ComparisonOperator === "GreaterThanThreshold",
    "fires when there is no data": p.TreatMissingData === "notBreaching",
    "fires late": p.EvaluationPeriods <= 3 && p.Period <= 300 && (p.DatapointsToAlarm ?? 1) <= p.EvaluationPeriods,
    "tells nobody": p.AlarmActions?.length === 1 && model.target(p.AlarmActions[0], "AWS::SNS::Topic"),
  });
}

/** An alarm of a publisher is named after it, and so is what it watches. */
function describes(model: Model, alarm: Resource, emitter: Resource): boolean {
  const name = Object.keys(model.code.functions).find(
    (handler) =>
      alarm.logicalId.startsWith(handler.replaceAll("-", "")) && domainNames.some((domain) => domain === handler),
  );
  return name === undefined || emitter.logicalId.startsWith(name.replaceAll("-", ""));
}

const alarmsOf = (model: Model, metricName: string, dimension: string): boolean =>
  model
    .ofType("AWS::CloudWatch::Alarm")
    .some(
      ({ properties }) =>
        properties.MetricName === metricName &&
        properties.Dimensions?.some(({ Value }: { Value: string }) => Value === dimension),
    );

/** Everything that can fail without anybody seeing it has an alarm. */
const coverageRule: Rule = (model) => [
  ...model.ofType("AWS::SQS::Queue").flatMap((queue) => {
    const metric = isFailureQueue(model, queue)
      ? "ApproximateNumberOfMessagesVisible"
      : "ApproximateAgeOfOldestMessage";
    return failed(queue, { "has no alarm": alarmsOf(model, metric, referenceTo(queue, "QueueName")) });
  }),
  ...model.ofType("AWS::Lambda::Function").flatMap((lambda) =>
    failed(lambda, {
      "has no alarm on its lag": !readsStream(model, lambda) || alarmsOf(model, "IteratorAge", referenceTo(lambda)),
      "has no alarm on frozen streams":
        !hasStates(model, lambda) || alarmsOf(model, FROZEN_STREAMS, referenceTo(lambda)),
    }),
  ),
  ...model
    .ofType("AWS::ApiGatewayV2::Api")
    .flatMap((api) => failed(api, { "has no alarm on errors": alarmsOf(model, "IntegrationError", referenceTo(api)) })),
];

const alarmsRule: Rule = (model) =>
  model.ofType("AWS::CloudWatch::Alarm").flatMap((alarm) => alarmFindings(model, alarm));

/** The rules of alarms: what they watch, and what must be watched. */
export const alarmRules: readonly Rule[] = [alarmsRule, coverageRule];
