import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { Peer } from "aws-cdk-lib/aws-ec2";
import { ListenerAction, ListenerCondition } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import type { LoadBalancer } from "./load-balancer.ts";
import { acknowledge } from "./support/acknowledge.ts";

export interface CloudFrontEntranceProps {
  readonly loadBalancer: LoadBalancer;
}

/** The header by which the load balancer recognizes our distribution among others, which use the same addresses. */
const SECRET_HEADER = "X-Origin-Secret";

/** AWS's list of the addresses that CloudFront connects from. */
const PREFIX_LIST = "com.amazonaws.global.cloudfront.origin-facing";

/** CloudFront in front of the load balancer: `wss` under CloudFront's own name and certificate. */
export class CloudFrontEntrance extends Construct {
  /** The URL that clients connect to. */
  readonly url: string;

  constructor(scope: Construct, id: string, { loadBalancer }: CloudFrontEntranceProps) {
    super(scope, id);
    const secret = new Secret(this, "OriginSecret", {
      description: "The value by which the load balancer recognizes CloudFront",
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    });
    acknowledge(secret, {
      "AwsSolutions-SMG4": "CloudFront and the load balancer must change in the same deploy.",
    });
    // A dynamic reference: CloudFormation reads the secret, the template never holds it.
    const secretValue = secret.secretValue.unsafeUnwrap();
    loadBalancer.allowFrom([Peer.prefixList(this.#findPrefixList())], 80);
    const listener = loadBalancer.listen(ListenerAction.fixedResponse(403, { messageBody: "use the public endpoint" }));
    listener.addAction("FromCloudFront", {
      priority: 1,
      conditions: [ListenerCondition.httpHeader(SECRET_HEADER, [secretValue])],
      action: ListenerAction.forward([loadBalancer.targets]),
    });
    const distribution = this.#createDistribution(loadBalancer.balancer.loadBalancerDnsName, secretValue);
    this.url = `https://${distribution.distributionDomainName}`;
  }

  #createDistribution(host: string, secretValue: string): Distribution {
    const distribution = new Distribution(this, "Distribution", {
      comment: "Realtime gateway",
      defaultBehavior: {
        origin: new HttpOrigin(host, {
          // The load balancer has no certificate: there is no domain for one.
          protocolPolicy: OriginProtocolPolicy.HTTP_ONLY,
          customHeaders: { [SECRET_HEADER]: secretValue },
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

  /** Returns the id of the list, which differs by region and is looked up at deploy. */
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
