import { change, drop, find, type Mutation, mutationsOf, propertiesOf, remove, set } from "../mutation.ts";

const cloudFront = mutationsOf("cloudfront and tls", "both edges");
const tls = mutationsOf("cloudfront and tls", "domain and certificate");
const DISTRIBUTION = "CloudFront::Distribution";
const BEHAVIOR = "DistributionConfig.DefaultCacheBehavior";
const ORIGIN = "DistributionConfig.Origins.0";
const HTTPS = "ElasticLoadBalancingV2::Listener/Https";
const HTTP = "ElasticLoadBalancingV2::Listener/Http";

/** Mistakes in the way from a client to the load balancer. */
export const edgeMutations: readonly Mutation[] = [
  ...cloudFront({
    "plain HTTP for viewers": set(DISTRIBUTION, `${BEHAVIOR}.ViewerProtocolPolicy`, "allow-all"),
    "distribution that is off": set(DISTRIBUTION, "DistributionConfig.Enabled", false),
    caching: set(DISTRIBUTION, `${BEHAVIOR}.CachePolicyId`, "658327ea-f89d-4fab-a63d-7e88639e58f6"),
    "headers not forwarded": drop(DISTRIBUTION, `${BEHAVIOR}.OriginRequestPolicyId`),
    "another set of headers": set(
      DISTRIBUTION,
      `${BEHAVIOR}.OriginRequestPolicyId`,
      "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
    ),
    "GET alone": set(DISTRIBUTION, `${BEHAVIOR}.AllowedMethods`, ["GET", "HEAD"]),
    "behavior without its origin": set(DISTRIBUTION, `${BEHAVIOR}.TargetOriginId`, "origin"),
    "origin elsewhere": set(DISTRIBUTION, `${ORIGIN}.DomainName`, "gateway.example.com"),
    "origin over the internet": change(DISTRIBUTION, ({ Properties }) => {
      const [origin] = Properties.DistributionConfig.Origins;
      delete origin.VpcOriginConfig;
      origin.CustomOriginConfig = { OriginProtocolPolicy: "http-only", OriginSSLProtocols: ["TLSv1.2"] };
    }),
    "origin that answers within 5 s": set(DISTRIBUTION, `${ORIGIN}.VpcOriginConfig.OriginReadTimeout`, 5),
    "another VPC origin": set(DISTRIBUTION, `${ORIGIN}.VpcOriginConfig.VpcOriginId`, "vo_0123"),
    "VPC origin of nothing": set(
      "CloudFront::VpcOrigin",
      "VpcOriginEndpointConfig.Arn",
      "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/other/1",
    ),
    "VPC origin over HTTPS that nobody serves": set(
      "CloudFront::VpcOrigin",
      "VpcOriginEndpointConfig.OriginProtocolPolicy",
      "https-only",
    ),
    "VPC origin on another port": set("CloudFront::VpcOrigin", "VpcOriginEndpointConfig.HTTPPort", 8080),
    "old TLS to the origin": set("CloudFront::VpcOrigin", "VpcOriginEndpointConfig.OriginSSLProtocols", ["TLSv1"]),
    "no VPC origin": remove("CloudFront::VpcOrigin"),
    "load balancer with public addresses": set("ElasticLoadBalancingV2::LoadBalancer", "Scheme", "internet-facing"),
    "prefix list of another service": change(
      "EC2::SecurityGroupIngress/LoadBalancerSecurityGroupfrom",
      ({ Properties }) => {
        Properties.SourcePrefixListId = "pl-0123";
      },
    ),
    "look-up of another list": (t) => {
      const [{ resource } = {}] = find(t, "Custom::AWS");
      if (resource)
        resource.Properties.Create = resource.Properties.Create.replaceAll("cloudfront.origin-facing", "s3");
    },
    "look-up that is not allowed": set(
      "IAM::Policy/CloudFrontPrefixList",
      "PolicyDocument.Statement.0.Action",
      "ec2:DescribePrefixLists",
    ),
    "CloudFront not let in": remove("EC2::SecurityGroupIngress/LoadBalancerSecurityGroupfrom"),
    "CloudFront let in on another port": change(
      "EC2::SecurityGroupIngress/LoadBalancerSecurityGroupfrom",
      ({ Properties }) => {
        Properties.FromPort = 443;
        Properties.ToPort = 443;
      },
    ),
    "everybody let in": (t) => {
      propertiesOf(t, "AWS::EC2::SecurityGroup", /LoadBalancer/).SecurityGroupIngress = [
        { CidrIp: "0.0.0.0/0", IpProtocol: "tcp", FromPort: 80, ToPort: 80 },
      ];
    },
  }),
  ...tls({
    "TLS 1.0": set(HTTPS, "SslPolicy", "ELBSecurityPolicy-2016-08"),
    "TLS 1.1": set(HTTPS, "SslPolicy", "ELBSecurityPolicy-TLS13-1-1-2021-06"),
    "no TLS policy": drop(HTTPS, "SslPolicy"),
    "no certificate": drop(HTTPS, "Certificates"),
    "certificate of another domain": set(
      HTTPS,
      "Certificates.0.CertificateArn",
      "arn:aws:acm:eu-west-1:111122223333:certificate/other",
    ),
    "HTTPS on port 8443": set(HTTPS, "Port", 8443),
    "HTTPS that is HTTP": set(HTTPS, "Protocol", "HTTP"),
    "no HTTPS": remove(HTTPS),
    "plain HTTP beside HTTPS": (t) => {
      propertiesOf(t, "AWS::ElasticLoadBalancingV2::Listener", /Http[^s]/).DefaultActions = propertiesOf(
        t,
        "AWS::ElasticLoadBalancingV2::Listener",
        /Https/,
      ).DefaultActions;
    },
    "redirect to another port": set(HTTP, "DefaultActions.0.RedirectConfig.Port", "8443"),
    "redirect to HTTP": set(HTTP, "DefaultActions.0.RedirectConfig.Protocol", "HTTP"),
    "fixed answer in place of the service": set(HTTPS, "DefaultActions", [
      { Type: "fixed-response", FixedResponseConfig: { StatusCode: "200" } },
    ]),
    "forwarding to nothing": set(
      HTTPS,
      "DefaultActions.0.TargetGroupArn",
      "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/other/1",
    ),
    "record of another name": set("Route53::RecordSet", "Name", "www.example.com."),
    "record that leads elsewhere": set("Route53::RecordSet", "AliasTarget.DNSName", "other.example.com"),
    "port 443 closed": (t) => {
      const p = propertiesOf(t, "AWS::EC2::SecurityGroup", /LoadBalancer/);
      p.SecurityGroupIngress = p.SecurityGroupIngress.filter(({ FromPort }: { FromPort: number }) => FromPort !== 443);
    },
    "all ports open": (t) => {
      const p = propertiesOf(t, "AWS::EC2::SecurityGroup", /LoadBalancer/);
      p.SecurityGroupIngress[0].ToPort = 65_535;
    },
    "no stickiness with polling": (t) => {
      const list = propertiesOf(t, "AWS::ElasticLoadBalancingV2::TargetGroup").TargetGroupAttributes;
      list.find(({ Key }: { Key: string }) => Key === "stickiness.enabled").Value = "false";
    },
    "cookie of an application that sets none": (t) => {
      const list = propertiesOf(t, "AWS::ElasticLoadBalancingV2::TargetGroup").TargetGroupAttributes;
      list.find(({ Key }: { Key: string }) => Key === "stickiness.type").Value = "app_cookie";
    },
  }),
];
