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
import { acknowledge } from "./support/acknowledge.ts";
import { deregistrationDelay, GATEWAY_PORT, HEALTH_CHECK, IDLE_TIMEOUT } from "./support/gateway-settings.ts";
import { subnetGroups } from "./support/subnet-groups.ts";

export interface LoadBalancerProps {
  readonly vpc: IVpc;
  readonly target: FargateService;
  /** Seconds over which a stopping task sends its clients elsewhere. */
  readonly drainSeconds: number;
  /** The most tasks of the service. */
  readonly maxTasks: number;
  /** Send all requests of a client to the same task, as long polling needs. */
  readonly sticky: boolean;
  /** Give it public addresses. If not, only the VPC and CloudFront's VPC origins reach it. */
  readonly isPublic: boolean;
  /** Refuse deletion. */
  readonly deletionProtection: boolean;
  readonly logRetentionDays: number;
}

/** Public access to the load balancer: the addresses that may connect, and the name that they use. */
export interface PublicAccess {
  /** IPv4 ranges that may connect. */
  readonly allowedCidrs: readonly string[];
  /**
   * The name that clients use, with `certificateArn`.
   *
   * @default - plain HTTP under the load balancer's own name
   */
  readonly domainName?: string | undefined;
  /**
   * The ACM certificate of `domainName`.
   *
   * @default - plain HTTP
   */
  readonly certificateArn?: string | undefined;
  /**
   * The Route 53 zone in which the record of `domainName` is created, with `hostedZoneName`.
   *
   * @default - no record is created
   */
  readonly hostedZoneId?: string | undefined;
  /**
   * The name of that zone.
   *
   * @default - no record is created
   */
  readonly hostedZoneName?: string | undefined;
}

/** The load balancer in front of the gateway's tasks. It accepts nothing until `open` or `listen` is called. */
export class LoadBalancer extends Construct {
  readonly balancer: ApplicationLoadBalancer;
  readonly targets: IApplicationTargetGroup;
  readonly #securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, props: LoadBalancerProps) {
    super(scope, id);
    const { vpc } = props;
    this.#securityGroup = new SecurityGroup(this, "SecurityGroup", {
      vpc,
      description: "Load balancer of the gateway",
      allowAllOutbound: false,
    });
    this.balancer = new ApplicationLoadBalancer(this, "Balancer", {
      vpc,
      internetFacing: props.isPublic,
      vpcSubnets: { subnetGroupName: props.isPublic ? subnetGroups.public : subnetGroups.compute },
      securityGroup: this.#securityGroup,
      idleTimeout: IDLE_TIMEOUT,
      dropInvalidHeaderFields: true,
      deletionProtection: props.deletionProtection,
    });
    this.balancer.logAccessLogs(this.#createLogBucket(props));
    this.targets = this.#createTargetGroup(props);
  }

  #createTargetGroup({ vpc, target, drainSeconds, maxTasks, sticky }: LoadBalancerProps): IApplicationTargetGroup {
    return new ApplicationTargetGroup(this, "Tasks", {
      vpc,
      port: GATEWAY_PORT,
      protocol: ApplicationProtocol.HTTP,
      targets: [target],
      deregistrationDelay: deregistrationDelay(drainSeconds, maxTasks),
      // Round robin would give a new, empty task no more than an equal share of new connections.
      loadBalancingAlgorithmType: TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      healthCheck: HEALTH_CHECK,
      // Long polling is several requests of one session, which must reach the same task.
      ...(sticky ? { stickinessCookieDuration: Duration.days(1) } : {}),
    });
  }

  /** Accepts clients, over HTTPS if there is a certificate, else over plain HTTP. Returns the URL they connect to. */
  open(access: PublicAccess): string {
    const peers = access.allowedCidrs.map((cidr) => Peer.ipv4(cidr));
    this.allowFrom(peers, 80);
    acknowledge(this.#securityGroup, {
      "AwsSolutions-EC23": "Clients are everywhere; edge.allowedCidrs narrows it. Only 80 and, with TLS, 443 are open.",
    });
    const { domainName, certificateArn } = access;
    if (domainName === undefined || certificateArn === undefined) {
      Annotations.of(this).addWarningV2(
        "vezta:plain-http",
        "PLAIN HTTP: tokens and data are not encrypted. Set edge.type to cloudfront, or give a domain and a certificate.",
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
    this.#addRecord(domainName, access);
    return `https://${domainName}`;
  }

  /** Allows peers to connect to a port. */
  allowFrom(peers: readonly IPeer[], port: number): void {
    for (const peer of peers) this.#securityGroup.addIngressRule(peer, Port.tcp(port));
  }

  /** Adds a listener for HTTP, with the action for requests that match none of its rules. */
  listen(defaultAction: ListenerAction): ApplicationListener {
    return new ApplicationListener(this, "Http", {
      loadBalancer: this.balancer,
      protocol: ApplicationProtocol.HTTP,
      open: false,
      defaultAction,
    });
  }

  #addRecord(recordName: string, { hostedZoneId, hostedZoneName }: PublicAccess): void {
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

  #createLogBucket({ logRetentionDays }: LoadBalancerProps): Bucket {
    const bucket = new Bucket(this, "AccessLogs", {
      // Load balancers cannot write to a bucket with a KMS key.
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [{ expiration: Duration.days(logRetentionDays) }],
      // A bucket that is not empty cannot be deleted: docs/deploying.md says how to empty it.
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(bucket, { "AwsSolutions-S1": "It is the log bucket itself; logging it would never end." });
    return bucket;
  }
}
