import { channelDefinition } from "../../../contract/channels.ts";
import { domainNames, domains } from "../../../contract/domain-events.ts";
import { type GatewayMetricName, METRICS_NAMESPACE } from "../../../kernel/operations/gateway-metrics.ts";
import { FROZEN_STREAMS, PUBLISH_METRICS } from "../../../kernel/streams/publish-metrics.ts";
import { type Model, type Resource, referenceTo } from "../model.ts";
import { publishersOf, retriesOf } from "./events.ts";
import { handlerOf } from "./programs.ts";

type Dimensions = Readonly<Record<string, string>>;

/** A metric that alarms can watch: who emits it, and how its samples are to be put together. */
export interface Metric {
  /** Returns what emits the metric with exactly these dimensions. */
  readonly emitter: (model: Model, dimensions: Dimensions) => Resource | undefined;
  readonly statistic: string;
  /** The thresholds that make sense. */
  readonly threshold: (model: Model, emitter: Resource) => readonly [number, number];
  /** True if little is what is wrong; then no data is as well. */
  readonly isBelow?: boolean;
  /** True if the emitter is one that the alarm is for. */
  readonly isFor?: (model: Model, emitter: Resource) => boolean;
}

/** Returns the queues and streams that functions read. */
const readSources = (model: Model): string[] =>
  model.ofType("AWS::Lambda::EventSourceMapping").map(({ properties }) => properties.EventSourceArn);

/** Returns true for a queue that nothing reads: what is in it failed. */
export const isFailureQueue = (model: Model, queue: Resource): boolean =>
  !readSources(model).includes(referenceTo(queue, "Arn"));

const isRetryQueue = (model: Model, queue: Resource): boolean =>
  publishersOf(model).some((lambda) => retriesOf(model, lambda) === queue);

/** Returns true for a function that reads a stream. */
export const readsStream = (model: Model, lambda: Resource): boolean =>
  model
    .ofType("AWS::Lambda::EventSourceMapping")
    .some(
      ({ properties }) =>
        properties.FunctionName === referenceTo(lambda) &&
        model.target(properties.EventSourceArn, "AWS::Kinesis::Stream", "Arn"),
    );

/** Returns true for a function that publishes to channels of states. */
export function hasStates(model: Model, lambda: Resource): boolean {
  const domain = domainNames.find((name) => name === handlerOf(model, lambda));
  return (
    domain !== undefined && domains[domain].some(({ channel }) => channelDefinition(channel).stateOf !== "nothing")
  );
}

const matches = (dimensions: Dimensions, expected: Dimensions): boolean =>
  Object.keys(dimensions).length === Object.keys(expected).length &&
  Object.entries(expected).every(([name, value]) => dimensions[name] === value);

const between = (least: number, most: number) => () => [least, most] as const;

const of =
  (type: string, dimension: string, attribute?: string, others: Dimensions = {}): Metric["emitter"] =>
  (model, dimensions) =>
    model
      .ofType(type)
      .find((resource) => matches(dimensions, { ...others, [dimension]: referenceTo(resource, attribute) }));

const ofQueue = { emitter: of("AWS::SQS::Queue", "QueueName", "QueueName"), statistic: "Maximum" };
const ofFunction = of("AWS::Lambda::Function", "FunctionName");

/** The name of a load balancer in dimensions is a part of the ARN of a listener that sends to the targets. */
const balancerName = (listener: Resource): string =>
  [1, 2, 3]
    .map((index) => `\${select:${index}:${JSON.stringify(`\${Fn::Split:["/","${referenceTo(listener)}"]}`)}}`)
    .join("/");

const ofTargets: Metric["emitter"] = (model, dimensions) =>
  model.ofType("AWS::ElasticLoadBalancingV2::TargetGroup").find((targets) =>
    model
      .ofType("AWS::ElasticLoadBalancingV2::Listener")
      .filter(({ properties }) => model.references(properties.DefaultActions).includes(targets))
      .some((listener) =>
        matches(dimensions, {
          LoadBalancer: balancerName(listener),
          TargetGroup: referenceTo(targets, "TargetGroupFullName"),
        }),
      ),
  );

/** The tasks of an environment write to the same metrics. */
const ofGateways: Metric["emitter"] = (model, dimensions) =>
  matches(dimensions, { Environment: model.config.name, Service: "gateway" })
    ? model.ofType("AWS::ECS::Service")[0]
    : undefined;

const ofServerless: Metric["emitter"] = (model, dimensions) =>
  model
    .ofType("AWS::ElastiCache::ServerlessCache")
    .find(({ properties }) => matches(dimensions, { clusterId: properties.ServerlessCacheName }));

const GB = 1_000 ** 3;

/** What somebody must hear of: the metrics of the gateways that have an alarm. */
export const gatewayAlarms: Readonly<Partial<Record<GatewayMetricName, Metric>>> = {
  Connections: { emitter: ofGateways, statistic: "SampleCount", threshold: between(1, 1), isBelow: true },
  RedisUnreachable: { emitter: ofGateways, statistic: "Maximum", threshold: between(0, 0) },
  RedisMemoryPercent: { emitter: ofGateways, statistic: "Maximum", threshold: between(50, 90) },
  EventLoopDelayMs: { emitter: ofGateways, statistic: "Maximum", threshold: between(100, 1_000) },
  PublishToWriteMs: { emitter: ofGateways, statistic: "p99", threshold: between(250, 2_000) },
  RefusedFull: { emitter: ofGateways, statistic: "Sum", threshold: between(0, 0) },
  RefusedUnavailable: { emitter: ofGateways, statistic: "Sum", threshold: between(0, 50) },
  SlowConsumers: { emitter: ofGateways, statistic: "Sum", threshold: between(1, 100) },
};

/** Every metric that alarms may watch, by namespace and name. */
export const metrics: Readonly<Record<string, Metric>> = {
  "AWS/SQS ApproximateNumberOfMessagesVisible": { ...ofQueue, threshold: between(0, 0), isFor: isFailureQueue },
  "AWS/SQS ApproximateAgeOfOldestMessage": {
    ...ofQueue,
    threshold: (model, queue) => (isRetryQueue(model, queue) ? [300, 1_800] : [10, 120]),
    isFor: (model, queue) => !isFailureQueue(model, queue),
  },
  "AWS/Lambda IteratorAge": {
    emitter: ofFunction,
    statistic: "Maximum",
    threshold: between(1_000, 30_000),
    isFor: readsStream,
  },
  "AWS/Lambda Errors": { emitter: ofFunction, statistic: "Sum", threshold: between(0, 0) },
  "AWS/ApiGateway IntegrationError": {
    emitter: of("AWS::ApiGatewayV2::Api", "ApiId"),
    statistic: "Sum",
    threshold: between(1, 100),
  },
  "AWS/ApplicationELB UnHealthyHostCount": { emitter: ofTargets, statistic: "Maximum", threshold: between(0, 0) },
  "AWS/ApplicationELB HealthyHostCount": {
    emitter: ofTargets,
    statistic: "Maximum",
    threshold: between(1, 1),
    isBelow: true,
  },
  "AWS/ElastiCache BytesUsedForCache": {
    emitter: ofServerless,
    statistic: "Maximum",
    threshold: ({ config }) => [0.5 * config.cache.maximumStorageGb * GB, 0.9 * config.cache.maximumStorageGb * GB],
  },
  [`${PUBLISH_METRICS.namespace} ${FROZEN_STREAMS}`]: {
    emitter: of("AWS::Lambda::Function", "FunctionName", undefined, { service: PUBLISH_METRICS.service }),
    statistic: "Maximum",
    threshold: between(0, 0),
    isFor: hasStates,
  },
  ...Object.fromEntries(
    Object.entries(gatewayAlarms).map(([name, metric]) => [`${METRICS_NAMESPACE} ${name}`, metric]),
  ),
};

/** Returns the metric that an alarm watches, and what emits it. */
export function watchedBy(
  model: Model,
  { properties }: Resource,
): { readonly name: string; readonly metric: Metric | undefined; readonly emitter: Resource | undefined } {
  const name = `${properties.Namespace} ${properties.MetricName}`;
  const metric = metrics[name];
  const list: readonly { Name: string; Value: string }[] = properties.Dimensions ?? [];
  const dimensions = Object.fromEntries(list.map(({ Name, Value }) => [Name, Value]));
  return { name, metric, emitter: metric?.emitter(model, dimensions) };
}
