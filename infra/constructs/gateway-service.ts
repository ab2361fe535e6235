import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { type IVpc, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import {
  AwsLogDriverMode,
  Cluster,
  type ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type LogDriver,
  LogDrivers,
  OperatingSystemFamily,
  Secret,
  UlimitName,
} from "aws-cdk-lib/aws-ecs";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledge } from "./support/acknowledge.ts";
import { allowEgress, type Egress } from "./support/egress.ts";
import {
  type GatewayEnvironmentProps,
  type GatewaySettings,
  gatewayEnvironment,
} from "./support/gateway-environment.ts";
import { GATEWAY_PORT, OPEN_FILES, STOP_TIMEOUT } from "./support/gateway-settings.ts";
import { addMetricsCollector } from "./support/metrics-collector.ts";
import type { RedisAccess } from "./support/redis-access.ts";
import { subnetGroups } from "./support/subnet-groups.ts";

/** The size of a task, and the bounds of autoscaling. */
export interface GatewayCapacity {
  /** CPU units; 1,024 are one vCPU. */
  readonly cpu: number;
  /** In MiB. */
  readonly memory: number;
  readonly minTasks: number;
  readonly maxTasks: number;
  /** The percentage of CPU that autoscaling aims at. */
  readonly cpuTarget: number;
}

export interface GatewayServiceProps extends Pick<GatewayEnvironmentProps, "environmentName" | "tokenIssuer"> {
  readonly vpc: IVpc;
  readonly egress: Egress;
  readonly redis: RedisAccess;
  readonly image: ContainerImage;
  readonly capacity: GatewayCapacity;
  readonly settings: GatewaySettings;
  readonly maximumClockSkewMs: number;
  readonly logRetentionDays: number;
  /**
   * The workspace of Amazon Managed Service for Prometheus that gets the gateways' metrics.
   *
   * @default - there is no collector
   */
  readonly remoteWriteUrl?: string | undefined;
}

/** The share of a task's connections at which autoscaling starts another task. */
const CONNECTIONS_TARGET = 0.7;

/** Long, since stopping a task closes its connections. */
const SCALE_IN_COOLDOWN = Duration.minutes(15);

/** The gateway's Fargate service with autoscaling. */
export class GatewayService extends Construct {
  readonly service: FargateService;

  constructor(scope: Construct, id: string, props: GatewayServiceProps) {
    super(scope, id);
    const { vpc, egress } = props;
    const cluster = new Cluster(this, "Cluster", { vpc, containerInsightsV2: ContainerInsights.ENABLED });
    this.service = new FargateService(this, "Service", {
      cluster,
      taskDefinition: this.#createTaskDefinition(props),
      // No desiredCount: every deploy would reset what autoscaling has set.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      // /healthz waits for the first answers of Redis, some seconds after the start.
      healthCheckGracePeriod: Duration.seconds(60),
      vpcSubnets: { subnetGroupName: subnetGroups.compute },
      securityGroups: [
        new SecurityGroup(this, "SecurityGroup", { vpc, description: "Gateway tasks", allowAllOutbound: false }),
      ],
    });
    allowEgress(this.service.connections, egress);
    this.#scale(props);
  }

  #createTaskDefinition(props: GatewayServiceProps): FargateTaskDefinition {
    const { capacity, redis, logRetentionDays, remoteWriteUrl, environmentName } = props;
    const definition = new FargateTaskDefinition(this, "Task", {
      cpu: capacity.cpu,
      memoryLimitMiB: capacity.memory,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64, operatingSystemFamily: OperatingSystemFamily.LINUX },
    });
    const logGroup = new LogGroup(this, "Logs", { retention: logRetentionDays, removalPolicy: RemovalPolicy.DESTROY });
    const logTo = (streamPrefix: string): LogDriver =>
      LogDrivers.awsLogs({ streamPrefix, logGroup, mode: AwsLogDriverMode.NON_BLOCKING });
    const container = definition.addContainer("Gateway", {
      image: props.image,
      environment: gatewayEnvironment(props),
      secrets: { RT_REDIS_PASSWORD: Secret.fromSecretsManager(redis.passwords.gateway) },
      portMappings: [{ containerPort: GATEWAY_PORT }],
      readonlyRootFilesystem: true,
      stopTimeout: STOP_TIMEOUT,
      // Non-blocking: a slow log service must not stop the event loop.
      logging: logTo("gateway"),
    });
    if (remoteWriteUrl !== undefined) {
      addMetricsCollector(definition, { remoteWriteUrl, environmentName, logging: logTo("collector") });
    }
    container.addUlimits({ name: UlimitName.NOFILE, softLimit: OPEN_FILES, hardLimit: OPEN_FILES });
    acknowledge(definition, {
      "AwsSolutions-ECS2": "Settings, none of them secret; the one secret is injected from Secrets Manager.",
      "AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken takes no resource.",
    });
    return definition;
  }

  #scale({ environmentName, capacity, settings }: GatewayServiceProps): void {
    const { minTasks, maxTasks, cpuTarget } = capacity;
    const scaling = this.service.autoScaleTaskCount({ minCapacity: minTasks, maxCapacity: maxTasks });
    const cooldown = { scaleInCooldown: SCALE_IN_COOLDOWN, scaleOutCooldown: Duration.seconds(60) };
    scaling.scaleOnCpuUtilization("Cpu", { targetUtilizationPercent: cpuTarget, ...cooldown });
    scaling.scaleToTrackCustomMetric("Connections", {
      metric: new Metric({
        namespace: "VeztaRealtime",
        metricName: "Connections",
        dimensionsMap: { Environment: environmentName, Service: "gateway" },
        statistic: Stats.AVERAGE,
      }),
      targetValue: Math.floor(settings.maxConnections * CONNECTIONS_TARGET),
      ...cooldown,
    });
  }
}
