import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { ISecurityGroup, IVpc } from "aws-cdk-lib/aws-ec2";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { NAMESPACE } from "../../contract/endpoints.ts";
import type { EnvironmentConfig } from "../config/config.ts";
import { CloudFrontEntrance } from "../constructs/cloudfront-entrance.ts";
import { GatewayService } from "../constructs/gateway-service.ts";
import { LoadBalancer } from "../constructs/load-balancer.ts";
import type { RedisAccess } from "../constructs/support/redis-access.ts";
import type { TokenIssuer } from "../constructs/support/token-issuer.ts";
import { describeUse } from "./support/describe-use.ts";
import { GatewayAlarms } from "./support/gateway-alarms.ts";
import { gatewayImage } from "./support/gateway-image.ts";

export interface GatewayStackProps extends StackProps {
  readonly vpc: IVpc;
  readonly redis: RedisAccess;
  /**
   * The security group of the VPC's interface endpoints.
   *
   * @default - none: AWS is reached through NAT
   */
  readonly endpoints?: ISecurityGroup | undefined;
  readonly tokenIssuer: TokenIssuer;
  readonly alarmTopic: ITopic;
  readonly config: EnvironmentConfig;
}

/** The Socket.IO gateway: Fargate service, load balancer and, if configured, CloudFront in front of it. */
export class GatewayStack extends Stack {
  constructor(scope: Construct, id: string, props: GatewayStackProps) {
    const { vpc, redis, endpoints, tokenIssuer, alarmTopic, config, ...stackProps } = props;
    super(scope, id, stackProps);
    const service = new GatewayService(this, "Gateway", {
      vpc,
      redis,
      egress: { redis, endpoints },
      tokenIssuer,
      image: gatewayImage(this, config.gateway.image),
      environmentName: config.name,
      capacity: config.gateway,
      settings: config.gateway,
      maximumClockSkewMs: config.events.maximumClockSkewMs,
      logRetentionDays: config.logRetentionDays,
      remoteWriteUrl: config.gateway.remoteWriteUrl,
    });
    const loadBalancer = new LoadBalancer(this, "LoadBalancer", {
      vpc,
      target: service.service,
      drainSeconds: config.gateway.drainSeconds,
      maxTasks: config.gateway.maxTasks,
      sticky: config.gateway.polling,
      isPublic: config.edge.type === "alb",
      deletionProtection: config.protection,
      logRetentionDays: config.logRetentionDays,
    });
    service.watchTargets(loadBalancer.targets);
    const endpoint =
      config.edge.type === "cloudfront"
        ? new CloudFrontEntrance(this, "CloudFront", { loadBalancer }).url
        : loadBalancer.open(config.edge);
    // Only now: a target group without a listener has no metrics.
    new GatewayAlarms(this, "Alarms", {
      environmentName: config.name,
      targets: loadBalancer.targets,
      topic: alarmTopic,
    });
    this.#describe(endpoint, config);
  }

  #describe(endpoint: string, config: EnvironmentConfig): void {
    new CfnOutput(this, "Endpoint", {
      value: endpoint,
      description: `Where clients connect: io("<endpoint>${NAMESPACE}", { transports: ["websocket"] })`,
    });
    describeUse(this, endpoint, config);
    if (config.edge.type === "alb" && config.edge.certificateArn === undefined) {
      new CfnOutput(this, "WARNING", {
        value:
          "PLAIN HTTP: tokens and data are not encrypted. Set edge.type to cloudfront, or give a domain and a certificate.",
      });
    }
  }
}
