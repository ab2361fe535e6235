import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IVpc, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import {
  AwsLogDriverMode,
  Cluster,
  type ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  LogDrivers,
  OperatingSystemFamily,
  Secret,
  UlimitName,
} from "aws-cdk-lib/aws-ecs";
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
import { GATEWAY_PORT, OPEN_FILES, STOP_TIMEOUT } from "./support/gateway-settings.ts";
import type { RedisAccess } from "./support/redis-access.ts";
import { subnetGroups } from "./support/subnet-groups.ts";

/** The size of a task, and the bounds of autoscaling. */
export interface GatewayCapacity extends Omit<ScalingLimits, "maxConnections"> {
  /** CPU units; 1,024 are one vCPU. */
  readonly cpu: number;
  /** In MiB. */
  readonly memory: number;
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
}

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
    const { capacity, settings, environmentName } = props;
    new GatewayScaling(this, "Scaling", {
      service: this.service,
      zones: vpc.availabilityZones.length,
      environmentName,
      minTasks: capacity.minTasks,
      maxTasks: capacity.maxTasks,
      cpuTarget: capacity.cpuTarget,
      maxConnections: settings.maxConnections,
    });
  }

  #createTaskDefinition(props: GatewayServiceProps): FargateTaskDefinition {
    const { capacity, redis, logRetentionDays } = props;
    const definition = new FargateTaskDefinition(this, "Task", {
      cpu: capacity.cpu,
      memoryLimitMiB: capacity.memory,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64, operatingSystemFamily: OperatingSystemFamily.LINUX },
    });
    const logGroup = new LogGroup(this, "Logs", { retention: logRetentionDays, removalPolicy: RemovalPolicy.DESTROY });
    const container = definition.addContainer("Gateway", {
      image: props.image,
      environment: gatewayEnvironment(props),
      secrets: { RT_REDIS_PASSWORD: Secret.fromSecretsManager(redis.passwords.gateway) },
      portMappings: [{ containerPort: GATEWAY_PORT }],
      readonlyRootFilesystem: true,
      stopTimeout: STOP_TIMEOUT,
      // Non-blocking: a slow log service must not stop the event loop.
      logging: LogDrivers.awsLogs({ streamPrefix: "gateway", logGroup, mode: AwsLogDriverMode.NON_BLOCKING }),
    });
    container.addUlimits({ name: UlimitName.NOFILE, softLimit: OPEN_FILES, hardLimit: OPEN_FILES });
    acknowledge(definition, {
      "AwsSolutions-ECS2": "Settings, none of them secret; the one secret is injected from Secrets Manager.",
      "AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken takes no resource.",
    });
    return definition;
  }
}
