import { RemovalPolicy } from "aws-cdk-lib";
import { type IVpc, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import {
  AvailabilityZoneRebalancing,
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
  UlimitName,
} from "aws-cdk-lib/aws-ecs";
import type { IApplicationTargetGroup } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { GatewayScaling, type ScalingLimits } from "./gateway-scaling.ts";
import { acknowledge } from "./support/acknowledge.ts";
import { allowEgress, type Egress } from "./support/egress.ts";
import {
  type GatewayEnvironmentProps,
  type GatewaySettings,
  gatewayEnvironment,
} from "./support/gateway-environment.ts";
import { GATEWAY_PORT, HEALTH_CHECK_GRACE, OPEN_FILES, STOP_TIMEOUT } from "./support/gateway-settings.ts";
import { addMetricsCollector } from "./support/metrics-collector.ts";
import type { RedisAccess } from "./support/redis-access.ts";
import { subnetGroups } from "./support/subnet-groups.ts";

/** The size of a task, and the bounds of autoscaling. */
export interface GatewayCapacity extends Omit<ScalingLimits, "maxConnections"> {
  /** CPU units; 1,024 are one vCPU. */
  readonly cpu: number;
  /** In MiB. */
  readonly memory: number;
  /** The percentage of the tasks that a deployment replaces at a time, at least one task. */
  readonly deploymentBatchPercent: number;
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

/**
 * ECS rounds the number of tasks down: a smaller percentage than that of one task would let no new task start, and the
 * deployment would wait without end.
 */
const maximumHealthyPercent = ({ minTasks, deploymentBatchPercent }: GatewayCapacity): number =>
  100 + Math.max(deploymentBatchPercent, Math.ceil(100 / minTasks));

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
      maxHealthyPercent: maximumHealthyPercent(props.capacity),
      // Moves tasks one at a time after a zone was lost and is back; each drains as in a deployment.
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.ENABLED,
      circuitBreaker: { rollback: true },
      healthCheckGracePeriod: HEALTH_CHECK_GRACE,
      vpcSubnets: { subnetGroupName: subnetGroups.compute },
      securityGroups: [
        new SecurityGroup(this, "SecurityGroup", { vpc, description: "Gateway tasks", allowAllOutbound: false }),
      ],
    });
    allowEgress(this.service.connections, egress);
    const { capacity, settings, environmentName } = props;
    new GatewayScaling(this, "Scaling", {
      service: this.service,
      zones: new Set(vpc.selectSubnets({ subnetGroupName: subnetGroups.compute }).availabilityZones).size,
      environmentName,
      minTasks: capacity.minTasks,
      maxTasks: capacity.maxTasks,
      cpuTarget: capacity.cpuTarget,
      maxConnections: settings.maxConnections,
    });
  }

  /** Lets the tasks read the health of their targets, which says when they are deregistered: then they drain. */
  watchTargets({ targetGroupArn }: IApplicationTargetGroup): void {
    const { taskDefinition } = this.service;
    taskDefinition.defaultContainer?.addEnvironment("RT_TARGET_GROUP_ARN", targetGroupArn);
    taskDefinition.addToTaskRolePolicy(
      new PolicyStatement({ actions: ["elasticloadbalancing:DescribeTargetHealth"], resources: ["*"] }),
    );
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
      environment: gatewayEnvironment({ ...props, cpu: capacity.cpu }),
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
    redis.passwords.gateway.grantRead(definition.taskRole);
    acknowledge(definition, {
      "AwsSolutions-ECS2": "Settings, none of them secret; the gateway reads its one secret from Secrets Manager.",
      "AwsSolutions-IAM5[Resource::*]":
        "elasticloadbalancing:DescribeTargetHealth and ecr:GetAuthorizationToken take no resource.",
    });
    return definition;
  }
}
