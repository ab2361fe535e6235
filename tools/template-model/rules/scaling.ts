import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";

const POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy";

/** The number of tasks has the configured bounds, and is that of the service. */
const scalableRule: Rule = (model) => {
  const [service] = model.ofType("AWS::ECS::Service");
  const { minTasks, maxTasks } = model.config.gateway;
  return [
    ...model.ofType("AWS::ApplicationAutoScaling::ScalableTarget").flatMap((scalable) => {
      const p = scalable.properties;
      return failed(scalable, {
        "has other bounds than configured": p.MinCapacity === minTasks && p.MaxCapacity === maxTasks,
        "scales another service":
          service && p.ResourceId === `service/${service.properties.Cluster}/${referenceTo(service, "Name")}`,
      });
    }),
    ...model.ofType(POLICY).flatMap((policy) =>
      failed(policy, {
        "has no target": model.target(policy.properties.ScalingTargetId, "AWS::ApplicationAutoScaling::ScalableTarget"),
      }),
    ),
  ];
};

/** Most of its places that a task may use in any case. */
const COMMON_PERCENT = 70;

/** Larger fleets lose hardly more than their share with a zone. */
const FLEETS = 100;

/** Returns true if the tasks that are left can take the clients of the fullest zone, of fleets of any size. */
function survives(model: Model, service: Resource, target: number, maximum: number): boolean {
  const { minTasks } = model.config.gateway;
  const zones: number = service.properties.NetworkConfiguration?.AwsvpcConfiguration?.Subnets?.length ?? 0;
  if (target * 100 > COMMON_PERCENT * maximum) return false;
  if (zones < 2 || minTasks < zones) return true;
  const sizes = Array.from({ length: FLEETS }, (_, index) => minTasks + index);
  return sizes.every((size) => size * target <= (size - Math.ceil(size / zones)) * maximum);
}

interface Targets {
  readonly cpu: number;
  readonly connections: number;
}

const trackingOf = (model: Model) =>
  model
    .ofType(POLICY)
    .map(({ properties }) => properties.TargetTrackingScalingPolicyConfiguration)
    .filter((configuration) => configuration !== undefined);

function targetsOf(model: Model): Targets {
  const policies = trackingOf(model);
  return {
    cpu: policies.find(({ PredefinedMetricSpecification: metric }) => metric)?.TargetValue,
    connections: policies.find(({ CustomizedMetricSpecification: metric }) => metric)?.TargetValue,
  };
}

/** The dimensions of what the tasks of an environment report together. */
export const gatewayDimensions = (model: Model) => [
  { Name: "Environment", Value: model.config.name },
  { Name: "Service", Value: "gateway" },
];

/** It follows the processor and the connections that the tasks of this environment report. */
const trackingRule: Rule = (model) => {
  const [service] = model.ofType("AWS::ECS::Service");
  if (!service) return [];
  const { cpuTarget, maxConnections } = model.config.gateway;
  const { cpu, connections } = targetsOf(model);
  const policies = trackingOf(model);
  const metric = policies.find(({ CustomizedMetricSpecification }) => CustomizedMetricSpecification);
  const { MetricName, Namespace, Dimensions } = metric?.CustomizedMetricSpecification ?? {};
  return failed(
    { name: "autoscaling" },
    {
      "is missing":
        model.ofType("AWS::ApplicationAutoScaling::ScalableTarget").length === 1 &&
        policies.length === 2 &&
        model.ofType(POLICY).length === 4,
      "does not follow the processor as configured":
        cpu <= cpuTarget &&
        survives(model, service, cpu, 100) &&
        (cpu === cpuTarget || !survives(model, service, cpu + 1, 100)),
      "does not follow the connections": MetricName === "Connections" && Namespace === "VeztaRealtime",
      "follows the connections of another environment":
        JSON.stringify(Dimensions) === JSON.stringify(gatewayDimensions(model)),
      "starts a task too late for the loss of a zone": survives(model, service, connections, maxConnections),
      "starts a task for nothing": !survives(model, service, connections + 1, maxConnections),
    },
  );
};

interface Step {
  readonly MetricIntervalLowerBound?: number;
  readonly MetricIntervalUpperBound?: number;
  readonly ScalingAdjustment: number;
}

/** Returns true for steps that lie beside each other, from the threshold on to any value. */
function areWhole(steps: readonly Step[], isOut: boolean): boolean {
  const [near, far] = isOut
    ? (["MetricIntervalLowerBound", "MetricIntervalUpperBound"] as const)
    : (["MetricIntervalUpperBound", "MetricIntervalLowerBound"] as const);
  return steps.every(
    (step, index) =>
      step[near] === (index === 0 ? 0 : steps[index - 1]?.[far]) &&
      (step[far] === undefined) === (index === steps.length - 1),
  );
}

/** Each step further from the threshold changes more. */
const areSteeper = (steps: readonly Step[]): boolean =>
  steps.every(
    ({ ScalingAdjustment: change }, index) => Math.abs(change) > Math.abs(steps[index - 1]?.ScalingAdjustment ?? 0),
  );

/** Returns true if the tasks that are left have less than they aim at: else they would be started again at once. */
const leavesEnough = (steps: readonly Step[], threshold: number): boolean =>
  steps.every(
    ({ MetricIntervalUpperBound: bound = 0, ScalingAdjustment: change }) =>
      (threshold + bound) / (1 + change / 100) < 1,
  );

/** The load over the target, of which the alarms of both step policies are. */
function loadOf(model: Model, service: Resource) {
  const { cpu, connections } = targetsOf(model);
  const metric = (id: string, namespace: string, name: string, dimensions: unknown) => ({
    Id: id,
    MetricStat: {
      Metric: { Dimensions: dimensions, MetricName: name, Namespace: namespace },
      Period: 60,
      Stat: "Average",
    },
    ReturnData: false,
  });
  return [
    {
      Expression: `MAX([connections / ${connections}, cpu / ${cpu}])`,
      Id: "expr_1",
      Label: "Load over the target",
      ReturnData: true,
    },
    metric("connections", "VeztaRealtime", "Connections", gatewayDimensions(model)),
    metric("cpu", "AWS/ECS", "CPUUtilization", [
      { Name: "ClusterName", Value: service.properties.Cluster },
      { Name: "ServiceName", Value: referenceTo(service, "Name") },
    ]),
  ];
}

/** Returns true for an alarm that starts or stops tasks, and calls nobody. */
export const isOfScaling = (model: Model, alarm: Resource): boolean =>
  model.references(alarm.properties.AlarmActions).some(({ type }) => type === POLICY);

function stepFindings(model: Model, service: Resource, policy: Resource): Finding[] {
  const alarms = model
    .ofType("AWS::CloudWatch::Alarm")
    .filter(({ properties }) => properties.AlarmActions?.includes(referenceTo(policy)));
  const [alarm] = alarms;
  const p = alarm?.properties;
  if (alarms.length !== 1) return failed(policy, { "is started by no alarm, or several": false });
  const { StepAdjustments: steps = [], Cooldown } = policy.properties.StepScalingPolicyConfiguration;
  const isOut = p.ComparisonOperator === "GreaterThanOrEqualToThreshold";
  return [
    ...failed(policy, {
      "starts tasks where there are too many, or stops them where there are too few": steps.every(
        ({ ScalingAdjustment: change }: Step) => (isOut ? change > 0 : change < 0 && change > -100),
      ),
      "has steps with a gap, or none for some loads": areWhole(steps, isOut),
      "changes less where there is more to do": areSteeper(steps),
      "stops tasks that are started again": isOut || leavesEnough(steps, p.Threshold),
      "changes again before the last change shows": isOut ? Cooldown >= 90 && Cooldown <= 300 : Cooldown >= 600,
    }),
    ...failed(alarm ?? policy, {
      "does more than scale": p.AlarmActions.length === 1,
      "is of another stack than what it scales": alarm?.stack === policy.stack,
      "watches something else than the load over the target":
        JSON.stringify(p.Metrics) === JSON.stringify(loadOf(model, service)) && p.MetricName === undefined,
      "has a threshold of the other direction": isOut
        ? p.Threshold > 1 && p.Threshold <= 2
        : p.ComparisonOperator === "LessThanOrEqualToThreshold" && p.Threshold > 0 && p.Threshold <= 0.6,
      "waits too long, or too briefly": isOut ? p.EvaluationPeriods <= 2 : p.EvaluationPeriods >= 30,
      "scales where there is no data": p.TreatMissingData === undefined || p.TreatMissingData === "missing",
    }),
  ];
}

/** A sudden crowd starts many tasks at once, and a fleet that is far too large loses some. */
const stepRule: Rule = (model) => {
  const [service] = model.ofType("AWS::ECS::Service");
  if (!service) return [];
  const policies = model.ofType(POLICY).filter(({ properties }) => properties.StepScalingPolicyConfiguration);
  const alarms = model.ofType("AWS::CloudWatch::Alarm").filter((alarm) => isOfScaling(model, alarm));
  const operators = new Set(alarms.map(({ properties }) => properties.ComparisonOperator));
  return [
    ...policies.flatMap((policy) => stepFindings(model, service, policy)),
    ...failed({ name: "autoscaling" }, { "has not a way out and one in": alarms.length === 2 && operators.size === 2 }),
  ];
};

/** The rules of autoscaling: bounds, targets, steps and the alarms that start them. */
export const scalingRules: readonly Rule[] = [scalableRule, trackingRule, stepRule];
