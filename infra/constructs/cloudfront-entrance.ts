import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { VpcOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { Peer } from "aws-cdk-lib/aws-ec2";
import { ListenerAction } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import type { LoadBalancer } from "./load-balancer.ts";
import { acknowledge } from "./support/acknowledge.ts";

export interface CloudFrontEntranceProps {
  readonly loadBalancer: LoadBalancer;
}

/** AWS's list of the addresses that CloudFront connects from. */
const PREFIX_LIST = "com.amazonaws.global.cloudfront.origin-facing";

/**
 * CloudFront in front of a load balancer without public addresses: `wss` under CloudFront's own name and certificate. The
 * load balancer is a VPC origin, which carries WebSockets since May 2026
 * (aws.amazon.com/about-aws/whats-new/2026/05/amazon-cloudfront-websockets-vpc-origins). No other distribution can reach
 * it: a VPC origin belongs to its account.
 *
 * Limits (docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide, cloudfront-limits and private-content-vpc-origins):
 * a WebSocket without a byte from the origin for 10 minutes is closed (the gateway pings every 20 s); 250,000 requests a
 * second of a distribution; the VPC needs an internet gateway, which VPC origins do not use.
 */
export class CloudFrontEntrance extends Construct {
  /** The URL that clients connect to. */
  readonly url: string;

  constructor(scope: Construct, id: string, { loadBalancer }: CloudFrontEntranceProps) {
    super(scope, id);
    loadBalancer.allowFrom([Peer.prefixList(this.#findPrefixList())], 80);
    loadBalancer.listen(ListenerAction.forward([loadBalancer.targets]));
    const distribution = this.#createDistribution(loadBalancer);
    this.url = `https://${distribution.distributionDomainName}`;
  }

  #createDistribution({ balancer }: LoadBalancer): Distribution {
    const distribution = new Distribution(this, "Distribution", {
      comment: "Realtime gateway",
      defaultBehavior: {
        origin: VpcOrigin.withApplicationLoadBalancer(balancer, {
          // The load balancer has no certificate, since there is no domain for one; the way to it is inside AWS's network.
          protocolPolicy: OriginProtocolPolicy.HTTP_ONLY,
          readTimeout: Duration.seconds(60),
          keepaliveTimeout: Duration.seconds(60),
        }),
        viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
        allowedMethods: AllowedMethods.ALLOW_ALL,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        // Without the viewer's headers (Sec-WebSocket-*, Upgrade) there is no WebSocket.
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER,
      },
    });
    acknowledge(distribution, {
      "AwsSolutions-CFR1": "Clients are everywhere.",
      "AwsSolutions-CFR2":
        "A firewall sees only the handshake; the gateway limits what follows. Add one by its ARN if your policy requires it.",
      "AwsSolutions-CFR3": "The load balancer logs the same requests.",
      "AwsSolutions-CFR4":
        "CloudFront's own certificate leaves no choice of TLS version; your own domain does (type alb).",
      "AwsSolutions-CFR5":
        "There is no domain, hence no certificate for the load balancer; the secret header and the prefix list keep others out.",
    });
    return distribution;
  }

  /**
   * Returns the id of the list, which AWS's guide to VPC origins lets in. CloudFront creates a narrower group with the
   * first VPC origin of a VPC, too late for the rule of the same deploy. The id differs by region and is looked up at deploy.
   */
  #findPrefixList(): string {
    const logGroup = new LogGroup(this, "LookupLogs", {
      retention: RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const call = {
      service: "EC2",
      action: "DescribeManagedPrefixLists",
      parameters: { Filters: [{ Name: "prefix-list-name", Values: [PREFIX_LIST] }] },
      physicalResourceId: PhysicalResourceId.of(PREFIX_LIST),
      outputPaths: ["PrefixLists.0.PrefixListId"],
    };
    const lookup = new AwsCustomResource(this, "PrefixList", {
      onCreate: call,
      onUpdate: call,
      installLatestAwsSdk: false,
      logGroup,
      policy: AwsCustomResourcePolicy.fromStatements([
        new PolicyStatement({ actions: ["ec2:DescribeManagedPrefixLists"], resources: ["*"] }),
      ]),
    });
    acknowledge(lookup, { "AwsSolutions-IAM5[Resource::*]": "ec2:Describe* takes no resources." });
    const provider = `AWS${AwsCustomResource.PROVIDER_FUNCTION_UUID.replaceAll("-", "")}`;
    acknowledge(Stack.of(this).node.findChild(provider), {
      "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]":
        "CDK's own function for the look-up: AWS's policy for writing logs, and no more.",
    });
    return lookup.getResponseField("PrefixLists.0.PrefixListId");
  }
}
