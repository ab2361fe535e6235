import { domainNames } from "../../../contract/domain-events.ts";
import { RUNBOOK } from "../../../infra/constructs/support/alarm-on.ts";
import { redisRoles } from "../../../infra/constructs/support/redis-users.ts";
import { DAMAGED_STATES, EDGE_METRICS } from "../../../kernel/managed-edge/edge-metrics.ts";
import { METRICS_NAMESPACE } from "../../../kernel/operations/gateway-metrics.ts";
import { FROZEN_STREAMS, PUBLISH_METRICS } from "../../../kernel/streams/publish-metrics.ts";
import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import { gatewayAlarms, hasStates, isFailureQueue, readsStream, watchedBy } from "./metrics.ts";
import { handlerOf, rotatedRoleOf } from "./programs.ts";
import { isOfScaling } from "./scaling.ts";

/** The longest that something may be wrong before the alarm fires, in seconds. */
const LATEST = 300;

/** Alarm → topic → address, whatever it watches. */
function notificationFindings(model: Model, alarm: Resource, isBelow: boolean): Finding[] {
  const p = alarm.properties;
  return failed(alarm, {
    "fires while all is well": p.ComparisonOperator === (isBelow ? "LessThanThreshold" : "GreaterThanThreshold"),
    "fires when there is no data, or does not where that is what is wrong":
      p.TreatMissingData === (isBelow ? "breaching" : "notBreaching"),
    "needs more bad periods than it looks at": (p.DatapointsToAlarm ?? 1) <= p.EvaluationPeriods,
    "tells nobody": p.AlarmActions?.length === 1 && model.target(p.AlarmActions[0], "AWS::SNS::Topic"),
    "does not say what to do": p.AlarmDescription?.includes(RUNBOOK),
  });
}

/** Alarm → metric → resource that emits it. */
function alarmFindings(model: Model, alarm: Resource): Finding[] {
  const p = alarm.properties;
  const { metric, emitter } = watchedBy(model, alarm);
  const [least, most] = (metric && emitter && metric.threshold(model, emitter)) ?? [Number.NaN, Number.NaN];
  return [
    ...failed(alarm, {
      "watches a metric that nobody emits": metric,
      "watches nothing that emits its metric": emitter,
      "watches another resource than it is for":
        metric &&
        emitter &&
        (metric.isFor?.(model, emitter) ?? true) &&
        emitter.stack === alarm.stack &&
        describes(alarm, emitter),
      "puts samples together wrongly": metric?.statistic === (p.ExtendedStatistic ?? p.Statistic),
      "has a threshold at which nothing is wrong, or all is": p.Threshold >= least && p.Threshold <= most,
      "fires late": p.EvaluationPeriods * p.Period <= LATEST,
    }),
    ...notificationFindings(model, alarm, metric?.isBelow ?? false),
  ];
}

/** An alarm of a publisher, or of a rotation, is named after it, and so is what it watches. */
function describes(alarm: Resource, emitter: Resource): boolean {
  const names = alarm.stack.endsWith("-rotation") ? redisRoles : domainNames;
  const prefix = names.map((name) => name.replaceAll("-", "")).find((name) => alarm.logicalId.startsWith(name));
  return prefix === undefined || emitter.logicalId.startsWith(prefix);
}

/** The functions of the managed edge that read values of state channels, by their names in the expression. */
const readers: Readonly<Record<string, string>> = { fanOut: "fan-out", messages: "messages" };

/** The sum of what several functions count: each of them has a metric of its own. */
function damagedFindings(model: Model, alarm: Resource): Finding[] {
  const p = alarm.properties;
  const [sum, ...parts] = p.Metrics;
  const functions = model.ofType("AWS::Lambda::Function");
  const expected = Object.entries(readers).map(([Id, handler]) => {
    const lambda = functions.find((each) => handlerOf(model, each) === handler);
    const Dimensions = [
      { Name: "FunctionName", Value: lambda && referenceTo(lambda) },
      { Name: "service", Value: EDGE_METRICS.service },
    ];
    const Metric = { Dimensions, MetricName: DAMAGED_STATES, Namespace: EDGE_METRICS.namespace };
    return { Id, MetricStat: { Metric, Period: LATEST, Stat: "Sum" }, ReturnData: false };
  });
  return [
    ...failed(alarm, {
      "does not add up what each function finds": sum?.Expression === "FILL(fanOut, 0) + FILL(messages, 0)",
      "watches other metrics than those of the managed edge": JSON.stringify(parts) === JSON.stringify(expected),
      "has a threshold at which nothing is wrong, or all is": p.Threshold === 0,
      "fires late": p.EvaluationPeriods === 1,
    }),
    ...notificationFindings(model, alarm, false),
  ];
}

const alarmsRule: Rule = (model) =>
  model
    .ofType("AWS::CloudWatch::Alarm")
    .filter((alarm) => !isOfScaling(model, alarm))
    .flatMap((alarm) => (alarm.properties.Metrics ? damagedFindings : alarmFindings)(model, alarm));

/** Everything that can fail without anybody seeing it has an alarm. */
const coverageRule: Rule = (model) => {
  const alarms = model.ofType("AWS::CloudWatch::Alarm");
  const watched = alarms.map((alarm) => watchedBy(model, alarm));
  const has = (metric: string, resource: Resource): boolean =>
    watched.some(({ name, emitter }) => name === metric && emitter === resource);
  const damaged = alarms.filter(({ properties }) => JSON.stringify(properties.Metrics ?? []).includes(DAMAGED_STATES));
  return [
    ...model.ofType("AWS::SQS::Queue").flatMap((queue) => {
      const metric = isFailureQueue(model, queue)
        ? "ApproximateNumberOfMessagesVisible"
        : "ApproximateAgeOfOldestMessage";
      return failed(queue, { "has no alarm": has(`AWS/SQS ${metric}`, queue) });
    }),
    ...model.ofType("AWS::Lambda::Function").flatMap((lambda) =>
      failed(lambda, {
        "has no alarm on its lag": !readsStream(model, lambda) || has("AWS/Lambda IteratorAge", lambda),
        "has no alarm on frozen streams":
          !hasStates(model, lambda) || has(`${PUBLISH_METRICS.namespace} ${FROZEN_STREAMS}`, lambda),
        "has no alarm on failed rotations": !rotatedRoleOf(lambda) || has("AWS/Lambda Errors", lambda),
      }),
    ),
    ...model
      .ofType("AWS::ApiGatewayV2::Api")
      .flatMap((api) => failed(api, { "has no alarm on errors": has("AWS/ApiGateway IntegrationError", api) })),
    ...model
      .ofType("AWS::ElastiCache::ServerlessCache")
      .flatMap((cache) =>
        failed(cache, { "has no alarm on its memory": has("AWS/ElastiCache BytesUsedForCache", cache) }),
      ),
    ...model
      .ofType("AWS::ECS::Service")
      .flatMap((service) =>
        Object.keys(gatewayAlarms).flatMap((name) =>
          failed(service, { [`has no alarm on ${name}`]: has(`${METRICS_NAMESPACE} ${name}`, service) }),
        ),
      ),
    ...model.ofType("AWS::ElasticLoadBalancingV2::TargetGroup").flatMap((targets) =>
      failed(targets, {
        "has no alarm on the health of its tasks": has("AWS/ApplicationELB UnHealthyHostCount", targets),
        "has no alarm on the loss of all tasks": has("AWS/ApplicationELB HealthyHostCount", targets),
      }),
    ),
    ...failed(
      { name: "damaged values" },
      { "have no alarm, or several": damaged.length === (model.config.managedEdge.enabled ? 1 : 0) },
    ),
  ];
};

/** The rules of alarms: what they watch, and what must be watched. */
export const alarmRules: readonly Rule[] = [alarmsRule, coverageRule];
