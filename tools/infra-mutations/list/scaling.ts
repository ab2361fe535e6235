import { change, drop, type Mutation, mutationsOf, propertiesOf, remove, set } from "../mutation.ts";

const prod = mutationsOf("gateway", "both edges");
const withCollector = mutationsOf("gateway", "domain and certificate");
const CROWD = "ApplicationAutoScaling::ScalingPolicy/Crowd";
const IDLE = "ApplicationAutoScaling::ScalingPolicy/Idle";
const CROWD_ALARM = "CloudWatch::Alarm/Crowd";
const IDLE_ALARM = "CloudWatch::Alarm/Idle";
const STEPS = "StepScalingPolicyConfiguration.StepAdjustments";
const TASK = "ECS::TaskDefinition";
const COLLECTOR = "ContainerDefinitions.1";

const scaling: Readonly<Record<string, Mutation["apply"]>> = {
  "autoscaling of another service": set(
    "ApplicationAutoScaling::ScalableTarget",
    "ResourceId",
    "service/default/gateway",
  ),
  "minimum above the configured": set("ApplicationAutoScaling::ScalableTarget", "MinCapacity", 1),
  "maximum below the minimum": set("ApplicationAutoScaling::ScalableTarget", "MaxCapacity", 2),
  "sum of connections in place of the average": set(
    "ApplicationAutoScaling::ScalingPolicy/Connections",
    "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.Statistic",
    "Sum",
  ),
  "metric with a typing mistake": set(
    "ApplicationAutoScaling::ScalingPolicy/Connections",
    "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.MetricName",
    "Connection",
  ),
  "metric of another namespace": set(
    "ApplicationAutoScaling::ScalingPolicy/Connections",
    "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.Namespace",
    "Vezta",
  ),
  "metric without a dimension": drop(
    "ApplicationAutoScaling::ScalingPolicy/Connections",
    "TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification.Dimensions.0",
  ),
  "connections at 100 %": set(
    "ApplicationAutoScaling::ScalingPolicy/Connections",
    "TargetTrackingScalingPolicyConfiguration.TargetValue",
    10_000,
  ),
  "scale in by target tracking": set(
    "ApplicationAutoScaling::ScalingPolicy/Cpu",
    "TargetTrackingScalingPolicyConfiguration.DisableScaleIn",
    false,
  ),
  "processor at 95 %": set(
    "ApplicationAutoScaling::ScalingPolicy/Cpu",
    "TargetTrackingScalingPolicyConfiguration.TargetValue",
    95,
  ),
  "no policy for connections": remove("ApplicationAutoScaling::ScalingPolicy/Connections"),
  "alarm with the policy of the other": (t) => {
    propertiesOf(t, "AWS::CloudWatch::Alarm", /Crowd/).AlarmActions = propertiesOf(
      t,
      "AWS::CloudWatch::Alarm",
      /Idle/,
    ).AlarmActions;
  },
  "both alarms with the policy of the other": (t) => {
    const crowd = propertiesOf(t, "AWS::CloudWatch::Alarm", /Crowd/);
    const idle = propertiesOf(t, "AWS::CloudWatch::Alarm", /Idle/);
    [crowd.AlarmActions, idle.AlarmActions] = [idle.AlarmActions, crowd.AlarmActions];
  },
  "no alarm on a crowd": remove(CROWD_ALARM),
  "crowd that stops tasks": set(CROWD, `${STEPS}.0.ScalingAdjustment`, -100),
  "crowd with a gap between its steps": set(CROWD, `${STEPS}.1.MetricIntervalLowerBound`, 0.5),
  "crowd without a step for the largest loads": set(CROWD, `${STEPS}.1.MetricIntervalUpperBound`, 1),
  "crowd in tasks, not percent": set(CROWD, "StepScalingPolicyConfiguration.AdjustmentType", "ChangeInCapacity"),
  "crowd seen after ten minutes": set(CROWD_ALARM, "EvaluationPeriods", 10),
  "crowd of the target itself": set(CROWD_ALARM, "Threshold", 0.9),
  "load over another target": set(CROWD_ALARM, "Metrics.0.Expression", "MAX([connections / 7000, cpu / 60])"),
  "least in place of the most": set(IDLE_ALARM, "Metrics.0.Expression", "MIN([connections / 5000, cpu / 50])"),
  "load of another environment": set(IDLE_ALARM, "Metrics.1.MetricStat.Metric.Dimensions.0.Value", "dev"),
  "processor of another service": set(IDLE_ALARM, "Metrics.2.MetricStat.Metric.Dimensions.1.Value", "web"),
  "idle after a minute": set(IDLE_ALARM, "EvaluationPeriods", 1),
  "idle at four fifths of the target": set(IDLE_ALARM, "Threshold", 0.8),
  "idle where nothing is reported": set(IDLE_ALARM, "TreatMissingData", "breaching"),
  "half the fleet stopped at once": set(IDLE, `${STEPS}.0.ScalingAdjustment`, -50),
  "fleet stopped every minute": set(IDLE, "StepScalingPolicyConfiguration.Cooldown", 60),
};

const configuration = (edit: (text: string) => string) =>
  change(TASK, ({ Properties }) => {
    const [variable] = Properties.ContainerDefinitions[1].Environment;
    const edited = edit(variable.Value);
    if (edited === variable.Value) throw new Error("the configuration has nothing of that");
    variable.Value = edited;
  });

const collector: Readonly<Record<string, Mutation["apply"]>> = {
  "collector that reads the public port": configuration((text) => text.replace(":9464", ":8080")),
  "collector that writes to another workspace": configuration((text) => text.replace("ws-0a1b2c3d", "ws-ffffffff")),
  "collector that signs for another region": configuration((text) => text.replace('"eu-west-1"', '"us-east-1"')),
  "collector without a signature": configuration((text) => text.replace('"auth":', '"authentication":')),
  "collector whose series mix": configuration((text) => text.replace('"processors":["resourcedetection"],', "")),
  "collector that stops the task": set(TASK, `${COLLECTOR}.Essential`, true),
  "collector of the newest version": set(
    TASK,
    `${COLLECTOR}.Image`,
    "public.ecr.aws/aws-observability/aws-otel-collector:latest",
  ),
  "collector that others reach": set(TASK, `${COLLECTOR}.PortMappings`, [{ ContainerPort: 4318, Protocol: "tcp" }]),
  "no collector": drop(TASK, COLLECTOR),
  "collector that may not write": change("IAM::Policy/GatewayTaskTaskRole", ({ Properties }) => {
    Properties.PolicyDocument.Statement = Properties.PolicyDocument.Statement.filter(
      ({ Action }: { Action: unknown }) => Action !== "aps:RemoteWrite",
    );
  }),
};

/** Mistakes in autoscaling, and in the way of metrics to Prometheus. */
export const scalingMutations: readonly Mutation[] = [...prod(scaling), ...withCollector(collector)];
