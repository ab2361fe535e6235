import * as z from "zod";
import { any, digits, list, one, reference, type Shapes, shape, strict, text, whole, yes } from "./shape.ts";

const variable = strict({ Name: text, Value: z.string() });

const container = strict({
  Environment: list(variable).optional(),
  Essential: z.boolean(),
  Image: text,
  Command: list(text).optional(),
  LogConfiguration: strict({
    LogDriver: one("awslogs"),
    Options: strict({
      "awslogs-group": reference,
      "awslogs-stream-prefix": text,
      "awslogs-region": text,
      // A slow log service must not stop the event loop.
      mode: one("non-blocking"),
      "max-buffer-size": text.optional(),
    }),
  }),
  Name: text,
  PortMappings: list(
    strict({ ContainerPort: whole(1, 65_535), Protocol: one("tcp"), Name: text.optional() }),
  ).optional(),
  ReadonlyRootFilesystem: yes,
  StopTimeout: whole(2, 120).optional(),
  Ulimits: list(
    strict({ Name: one("nofile"), SoftLimit: whole(1, 1_048_576), HardLimit: whole(1, 1_048_576) }),
  ).optional(),
  Cpu: any.optional(),
  Memory: any.optional(),
  MemoryReservation: whole(64, 512).optional(),
  HealthCheck: any.optional(),
  DependsOn: any.optional(),
});

const target = {
  ScaleOutCooldown: whole(60, 300),
  TargetValue: z.number().positive(),
  // By itself target tracking stops tasks at 90 % of its target, where that moves the most clients.
  DisableScaleIn: yes,
};

const tracking = strict({
  ...target,
  PredefinedMetricSpecification: strict({ PredefinedMetricType: one("ECSServiceAverageCPUUtilization") }),
}).or(
  strict({
    ...target,
    CustomizedMetricSpecification: strict({
      Dimensions: list(strict({ Name: text, Value: text })),
      MetricName: text,
      Namespace: text,
      // The tasks write it one by one: a sum would grow with the number of tasks and never come to rest.
      Statistic: one("Average"),
    }),
  }),
);

const steps = strict({
  AdjustmentType: one("PercentChangeInCapacity"),
  Cooldown: whole(60, 3_600),
  // A percentage of few tasks is less than one.
  MinAdjustmentMagnitude: whole(1, 2),
  StepAdjustments: list(
    strict({
      MetricIntervalLowerBound: z.number().optional(),
      MetricIntervalUpperBound: z.number().optional(),
      ScalingAdjustment: z.int(),
    }),
  ),
});

export const gatewayShapes: Shapes = {
  "AWS::ECS::Cluster": shape({
    ClusterSettings: list(strict({ Name: one("containerInsights"), Value: one("enabled", "enhanced") })),
  }),
  "AWS::ECS::TaskDefinition": shape({
    ContainerDefinitions: list(container),
    Cpu: digits(256, 16_384),
    Memory: digits(512, 122_880),
    ExecutionRoleArn: reference,
    TaskRoleArn: reference,
    Family: text,
    NetworkMode: one("awsvpc"),
    RequiresCompatibilities: list(one("FARGATE")),
    RuntimePlatform: strict({ CpuArchitecture: one("ARM64"), OperatingSystemFamily: one("LINUX") }),
  }),
  "AWS::ECS::Service": shape(
    {
      Cluster: reference,
      TaskDefinition: reference,
      DeploymentConfiguration: strict({
        DeploymentCircuitBreaker: strict({ Enable: yes, Rollback: yes, ResetOnHealthyTask: any.optional() }),
        // Below 100 a deploy takes away places that clients are in.
        MinimumHealthyPercent: whole(100, 100),
        MaximumPercent: whole(101, 400),
        Alarms: any.optional(),
        Strategy: any.optional(),
        BakeTimeInMinutes: any.optional(),
        LifecycleHooks: any.optional(),
      }),
      EnableECSManagedTags: z.boolean(),
      HealthCheckGracePeriodSeconds: whole(30, 600),
      LaunchType: one("FARGATE"),
      LoadBalancers: list(strict({ ContainerName: text, ContainerPort: whole(1, 65_535), TargetGroupArn: reference })),
      NetworkConfiguration: strict({
        AwsvpcConfiguration: strict({
          AssignPublicIp: one("DISABLED"),
          SecurityGroups: list(reference),
          Subnets: list(reference, 2),
        }),
      }),
    },
    { AvailabilityZoneRebalancing: one("ENABLED", "DISABLED"), PropagateTags: text, PlatformVersion: text },
  ),
  "AWS::ApplicationAutoScaling::ScalableTarget": shape(
    {
      MinCapacity: whole(1, 500),
      MaxCapacity: whole(1, 500),
      ResourceId: text,
      ScalableDimension: one("ecs:service:DesiredCount"),
      ServiceNamespace: one("ecs"),
    },
    { RoleARN: text, ScheduledActions: any },
  ),
  "AWS::ApplicationAutoScaling::ScalingPolicy": shape({
    PolicyName: text,
    PolicyType: one("TargetTrackingScaling"),
    ScalingTargetId: reference,
    TargetTrackingScalingPolicyConfiguration: tracking,
  }).or(
    shape({
      PolicyName: text,
      PolicyType: one("StepScaling"),
      ScalingTargetId: reference,
      StepScalingPolicyConfiguration: steps,
    }),
  ),
};
