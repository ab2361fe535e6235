import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { type IVpc, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import {
  AwsLogDriverMode,
  Cluster,
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
import type { EnvironmentConfig } from "../config/config.ts";
import { gatewayImage } from "../stacks/support/gateway-image.ts";
import { acknowledge } from "./support/acknowledge.ts";
import { allowEgress, type Egress } from "./support/egress.ts";
import { gatewayEnvironment } from "./support/gateway-environment.ts";
import { GATEWAY_PORT, OPEN_FILES, STOP_TIMEOUT } from "./support/gateway-settings.ts";
import { subnetGroups } from "./support/subnet-groups.ts";
import type { TokenIssuer } from "./support/token-issuer.ts";

export interface GatewayServiceProps {
  readonly vpc: IVpc;
  readonly egress: Egress;
  readonly tokenIssuer: TokenIssuer;
  readonly config: Pick<EnvironmentConfig, "name" | "gateway" | "events" | "logRetentionDays">;
}

/** Share of a task's connections at which another task is started. */
const CONNECTIONS_TARGET = 0.7;

/** A task that goes takes connections with it, so that autoscaling takes its time with it. */
const SCALE_IN_COOLDOWN = Duration.minutes(15);

/** The gateway's tasks and how many there are. */
export class GatewayService extends Construct {
  readonly service: FargateService;

  constructor(scope: Construct, id: string, props: GatewayServiceProps) {
    super(scope, id);
    const { vpc, egress, config } = props;
    const cluster = new Cluster(this, "Cluster", { vpc, containerInsightsV2: ContainerInsights.ENABLED });
    this.service = new FargateService(this, "Service", {
      cluster,
      taskDefinition: this.#createTaskDefinition(props),
      // No desiredCount: every deploy would set it back from what autoscaling has found to be needed.
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
    this.#scale(config);
  }

  #createTaskDefinition({ egress, tokenIssuer, config }: GatewayServiceProps): FargateTaskDefinition {
    const definition = new FargateTaskDefinition(this, "Task", {
      cpu: config.gateway.cpu,
      memoryLimitMiB: config.gateway.memory,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64, operatingSystemFamily: OperatingSystemFamily.LINUX },
    });
    const logGroup = new LogGroup(this, "Logs", {
      retention: config.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const container = definition.addContainer("Gateway", {
      image: gatewayImage(this, config.gateway.image),
      environment: gatewayEnvironment(config, egress.redis, tokenIssuer),
      secrets: { RT_REDIS_PASSWORD: Secret.fromSecretsManager(egress.redis.passwords.gateway) },
      portMappings: [{ containerPort: GATEWAY_PORT }],
      readonlyRootFilesystem: true,
      stopTimeout: STOP_TIMEOUT,
      // Non-blocking: a log service that is slow must not stop the event loop.
      logging: LogDrivers.awsLogs({ streamPrefix: "gateway", logGroup, mode: AwsLogDriverMode.NON_BLOCKING }),
    });
    container.addUlimits({ name: UlimitName.NOFILE, softLimit: OPEN_FILES, hardLimit: OPEN_FILES });
    acknowledge(definition, {
      "AwsSolutions-ECS2": "Settings, none of them secret; the one secret is injected from Secrets Manager.",
      "AwsSolutions-IAM5[Resource::*]": "ecr:GetAuthorizationToken knows no resource.",
    });
    return definition;
  }

  #scale({ name, gateway }: GatewayServiceProps["config"]): void {
    const { minTasks, maxTasks, cpuTarget, maxConnections } = gateway;
    const scaling = this.service.autoScaleTaskCount({ minCapacity: minTasks, maxCapacity: maxTasks });
    const cooldown = { scaleInCooldown: SCALE_IN_COOLDOWN, scaleOutCooldown: Duration.seconds(60) };
    scaling.scaleOnCpuUtilization("Cpu", { targetUtilizationPercent: cpuTarget, ...cooldown });
    scaling.scaleToTrackCustomMetric("Connections", {
      metric: new Metric({
        namespace: "VeztaRealtime",
        metricName: "Connections",
        dimensionsMap: { Environment: name, Service: "gateway" },
        statistic: Stats.AVERAGE,
      }),
      targetValue: Math.floor(maxConnections * CONNECTIONS_TARGET),
      ...cooldown,
    });
  }
}
