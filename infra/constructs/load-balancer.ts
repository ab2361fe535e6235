import { Annotations, Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IPeer, type IVpc, Peer, Port, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import type { FargateService } from "aws-cdk-lib/aws-ecs";
import {
  ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  type IApplicationTargetGroup,
  ListenerAction,
  ListenerCertificate,
  SslPolicy,
  TargetGroupLoadBalancingAlgorithmType,
} from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { ARecord, PublicHostedZone, RecordTarget } from "aws-cdk-lib/aws-route53";
import { LoadBalancerTarget } from "aws-cdk-lib/aws-route53-targets";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";
import { acknowledge } from "./support/acknowledge.ts";
import { deregistrationDelay, GATEWAY_PORT, IDLE_TIMEOUT } from "./support/gateway-settings.ts";
import { subnetGroups } from "./support/subnet-groups.ts";

export interface LoadBalancerProps {
  readonly vpc: IVpc;
  readonly target: FargateService;
  readonly config: Pick<EnvironmentConfig, "edge" | "gateway" | "protection" | "logRetentionDays">;
}

/** The load balancer before the gateway's tasks. It lets nobody in until `open` or a listener of CloudFront's does. */
export class LoadBalancer extends Construct {
  readonly balancer: ApplicationLoadBalancer;
  readonly targets: IApplicationTargetGroup;
  readonly #securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { vpc, target, config }: LoadBalancerProps) {
    super(scope, id);
    this.#securityGroup = new SecurityGroup(this, "SecurityGroup", {
      vpc,
      description: "Load balancer of the gateway",
      allowAllOutbound: false,
    });
    this.balancer = new ApplicationLoadBalancer(this, "Balancer", {
      vpc,
      internetFacing: true,
      vpcSubnets: { subnetGroupName: subnetGroups.public },
      securityGroup: this.#securityGroup,
      idleTimeout: IDLE_TIMEOUT,
      dropInvalidHeaderFields: true,
      deletionProtection: config.protection,
    });
    this.balancer.logAccessLogs(this.#createLogBucket(config));
    this.targets = new ApplicationTargetGroup(this, "Tasks", {
      vpc,
      port: GATEWAY_PORT,
      protocol: ApplicationProtocol.HTTP,
      targets: [target],
      deregistrationDelay: deregistrationDelay(config.gateway.drainSeconds),
      // Round robin would give a new, empty task no more than its share of new connections.
      loadBalancingAlgorithmType: TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      // Not /readyz: ECS replaces tasks that fail this, and a full task, or a fleet that loses Redis, must stay. A task
      // that never was ready fails this as well, so that a deploy that cannot work is rolled back.
      healthCheck: {
        path: "/healthz",
        interval: Duration.seconds(15),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
      // Long polling is several requests of one session, which have to reach one task.
      ...(config.gateway.polling ? { stickinessCookieDuration: Duration.days(1) } : {}),
    });
  }

  /** Lets clients in: over HTTPS where there is a certificate, else over plain HTTP. Returns the URL for them. */
  open(edge: EnvironmentConfig["edge"]): string {
    const peers = edge.allowedCidrs.map((cidr) => Peer.ipv4(cidr));
    this.allowFrom(peers, 80);
    acknowledge(this.#securityGroup, {
      "AwsSolutions-EC23":
        "Clients are everywhere; edge.allowedCidrs narrows it. Open are 80 and, with TLS, 443 alone.",
    });
    const { domainName, certificateArn } = edge;
    if (domainName === undefined || certificateArn === undefined) {
      Annotations.of(this).addWarningV2(
        "vezta:plain-http",
        "PLAIN HTTP: tokens and data pass in clear. Set edge.type to cloudfront, or give a domain and a certificate.",
      );
      this.listen(ListenerAction.forward([this.targets]));
      return `http://${this.balancer.loadBalancerDnsName}`;
    }
    this.allowFrom(peers, 443);
    this.listen(ListenerAction.redirect({ protocol: "HTTPS", port: "443", permanent: true }));
    new ApplicationListener(this, "Https", {
      loadBalancer: this.balancer,
      protocol: ApplicationProtocol.HTTPS,
      certificates: [ListenerCertificate.fromArn(certificateArn)],
      sslPolicy: SslPolicy.TLS13_RES,
      open: false,
      defaultAction: ListenerAction.forward([this.targets]),
    });
    this.#addRecord(domainName, edge);
    return `https://${domainName}`;
  }

  /** Lets peers reach a port. */
  allowFrom(peers: readonly IPeer[], port: number): void {
    for (const peer of peers) this.#securityGroup.addIngressRule(peer, Port.tcp(port));
  }

  /** Listens for HTTP. What no rule of the listener takes is handled as given. */
  listen(defaultAction: ListenerAction): ApplicationListener {
    return new ApplicationListener(this, "Http", {
      loadBalancer: this.balancer,
      protocol: ApplicationProtocol.HTTP,
      open: false,
      defaultAction,
    });
  }

  #addRecord(recordName: string, { hostedZoneId, hostedZoneName }: EnvironmentConfig["edge"]): void {
    if (hostedZoneId === undefined || hostedZoneName === undefined) return;
    const zone = PublicHostedZone.fromPublicHostedZoneAttributes(this, "Zone", {
      hostedZoneId,
      zoneName: hostedZoneName,
    });
    new ARecord(this, "Record", {
      zone,
      recordName,
      target: RecordTarget.fromAlias(new LoadBalancerTarget(this.balancer)),
    });
  }

  #createLogBucket({ logRetentionDays }: LoadBalancerProps["config"]): Bucket {
    const bucket = new Bucket(this, "AccessLogs", {
      // Load balancers cannot write to a bucket with a key of KMS.
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [{ expiration: Duration.days(logRetentionDays) }],
      // A bucket that holds something cannot be deleted anyway: docs/deploying.md says how to empty it.
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(bucket, { "AwsSolutions-S1": "It holds logs itself; logs of a log bucket have no end." });
    return bucket;
  }
}
