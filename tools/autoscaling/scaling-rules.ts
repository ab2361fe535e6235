import * as z from "zod";

/** A target tracking policy, as the template has it. */
export interface TargetRule {
  readonly metric: "connections" | "cpu";
  readonly target: number;
  readonly scalesIn: boolean;
  readonly outCooldownSeconds: number;
  readonly inCooldownSeconds: number;
}

/** One interval of a step scaling policy, relative to the alarm's threshold. */
export interface Step {
  readonly lower: number;
  readonly upper: number;
  /** The change of the number of tasks, in percent of it. */
  readonly percent: number;
}

/** A step scaling policy and its alarm on the fleet's utilization: the larger of connections and CPU over their targets. */
export interface StepRule {
  readonly comparison: "above" | "below";
  readonly threshold: number;
  /** The minutes in a row that breach the threshold before the policy acts. */
  readonly minutes: number;
  readonly cooldownSeconds: number;
  readonly minimumChange: number;
  readonly steps: readonly Step[];
  /** What connections and CPU of a task are divided by. */
  readonly targets: { readonly connections: number; readonly cpu: number };
}

/** Everything that decides on the number of the gateway's tasks. */
export interface ScalingRules {
  readonly minTasks: number;
  readonly maxTasks: number;
  readonly maxConnections: number;
  readonly cpuUnits: number;
  readonly memoryMib: number;
  readonly zones: number;
  readonly drainSeconds: number;
  readonly targets: readonly TargetRule[];
  readonly steps: readonly StepRule[];
}

const resourceSchema = z.looseObject({ Type: z.string(), Properties: z.unknown() });

export type Resources = Readonly<Record<string, unknown>>;

const targetSchema = z.looseObject({ MinCapacity: z.number(), MaxCapacity: z.number() });

const policySchema = z.looseObject({
  TargetTrackingScalingPolicyConfiguration: z
    .looseObject({
      TargetValue: z.number(),
      DisableScaleIn: z.boolean().default(false),
      // What Application Auto Scaling takes for ECS where a policy says nothing.
      ScaleInCooldown: z.number().default(300),
      ScaleOutCooldown: z.number().default(300),
      PredefinedMetricSpecification: z.unknown().optional(),
    })
    .optional(),
  StepScalingPolicyConfiguration: z
    .looseObject({
      AdjustmentType: z.literal("PercentChangeInCapacity"),
      Cooldown: z.number().default(300),
      MinAdjustmentMagnitude: z.number().default(1),
      StepAdjustments: z.array(
        z.looseObject({
          MetricIntervalLowerBound: z.number().default(Number.NEGATIVE_INFINITY),
          MetricIntervalUpperBound: z.number().default(Number.POSITIVE_INFINITY),
          ScalingAdjustment: z.number(),
        }),
      ),
    })
    .optional(),
});

const alarmSchema = z.looseObject({
  AlarmActions: z.array(z.unknown()),
  ComparisonOperator: z.string(),
  Threshold: z.number(),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.number().optional(),
  Metrics: z.array(z.looseObject({ Expression: z.string().optional(), Period: z.number().optional() })),
});

const taskSchema = z.looseObject({
  Cpu: z.coerce.number(),
  Memory: z.coerce.number(),
  ContainerDefinitions: z.array(
    z.looseObject({ Environment: z.array(z.object({ Name: z.string(), Value: z.unknown() })) }),
  ),
});

function propertiesOf<Schema extends z.ZodType>(resources: Resources, type: string, schema: Schema) {
  return Object.entries(resources).flatMap(([id, resource]) => {
    const { Type, Properties } = resourceSchema.parse(resource);
    return Type === type ? [{ id, properties: schema.parse(Properties) }] : [];
  });
}

function onlyOf<Schema extends z.ZodType>(resources: Resources, type: string, schema: Schema): z.output<Schema> {
  const [first, ...others] = propertiesOf(resources, type, schema);
  if (!first || others.length > 0) throw new Error(`the template must have one ${type}`);
  return first.properties;
}

function targetRules(resources: Resources): TargetRule[] {
  return propertiesOf(resources, "AWS::ApplicationAutoScaling::ScalingPolicy", policySchema).flatMap(
    ({ properties: { TargetTrackingScalingPolicyConfiguration: policy } }) =>
      policy
        ? [
            {
              metric: policy.PredefinedMetricSpecification ? ("cpu" as const) : ("connections" as const),
              target: policy.TargetValue,
              scalesIn: !policy.DisableScaleIn,
              outCooldownSeconds: policy.ScaleOutCooldown,
              inCooldownSeconds: policy.ScaleInCooldown,
            },
          ]
        : [],
  );
}

/** Reads `MAX([connections / 6000, cpu / 55])`. */
function divisorOf(expression: string, metric: string): number {
  const divisor = Number(new RegExp(`\\b${metric} / ([\\d.]+)`).exec(expression)?.[1]);
  if (!(divisor > 0)) throw new Error(`the alarm's expression does not divide ${metric}: ${expression}`);
  return divisor;
}

function stepRules(resources: Resources): StepRule[] {
  const policies = propertiesOf(resources, "AWS::ApplicationAutoScaling::ScalingPolicy", policySchema);
  // Of target tracking, Application Auto Scaling makes the alarms itself.
  const alarms = Object.entries(resources).filter(([, each]) =>
    JSON.stringify(each).includes('"AWS::CloudWatch::Alarm"'),
  );
  return policies.flatMap(({ id, properties: { StepScalingPolicyConfiguration: policy } }) => {
    if (!policy) return [];
    const [, resource] = alarms.find(([, each]) => JSON.stringify(each).includes(`"Ref":"${id}"`)) ?? [];
    const alarm = alarmSchema.parse(resourceSchema.parse(resource).Properties);
    const { Expression: expression = "" } = alarm.Metrics.find((metric) => metric.Expression !== undefined) ?? {};
    return [
      {
        comparison: alarm.ComparisonOperator.startsWith("Greater") ? ("above" as const) : ("below" as const),
        threshold: alarm.Threshold,
        minutes: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
        cooldownSeconds: policy.Cooldown,
        minimumChange: policy.MinAdjustmentMagnitude,
        steps: policy.StepAdjustments.map((step) => ({
          lower: step.MetricIntervalLowerBound,
          upper: step.MetricIntervalUpperBound,
          percent: step.ScalingAdjustment,
        })),
        targets: { connections: divisorOf(expression, "connections"), cpu: divisorOf(expression, "cpu") },
      },
    ];
  });
}

/**
 * Reads the rules from the resources of the gateway's template.
 *
 * @throws Error where the template has another shape.
 */
export function readScalingRules(resources: Resources, zones: number): ScalingRules {
  const { MinCapacity, MaxCapacity } = onlyOf(resources, "AWS::ApplicationAutoScaling::ScalableTarget", targetSchema);
  const task = onlyOf(resources, "AWS::ECS::TaskDefinition", taskSchema);
  const environment = new Map(task.ContainerDefinitions[0]?.Environment.map(({ Name, Value }) => [Name, Value]));
  return {
    minTasks: MinCapacity,
    maxTasks: MaxCapacity,
    maxConnections: Number(environment.get("RT_MAX_CONNECTIONS")),
    drainSeconds: Number(environment.get("RT_DRAIN_SECONDS")),
    cpuUnits: task.Cpu,
    memoryMib: task.Memory,
    zones,
    targets: targetRules(resources),
    steps: stepRules(resources),
  };
}
