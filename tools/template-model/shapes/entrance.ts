import * as z from "zod";
import { any, list, one, policyDocument, reference, type Shapes, shape, strict, text, whole, yes } from "./shape.ts";

const attribute = strict({ Key: text, Value: z.string() });

const action = strict({
  Type: one("forward", "redirect", "fixed-response"),
  TargetGroupArn: reference.optional(),
  ForwardConfig: any.optional(),
  RedirectConfig: strict({ Protocol: one("HTTPS"), Port: one("443"), StatusCode: one("HTTP_301") }).optional(),
  FixedResponseConfig: any.optional(),
  Order: any.optional(),
});

export const entranceShapes: Shapes = {
  "AWS::ElasticLoadBalancingV2::LoadBalancer": shape({
    LoadBalancerAttributes: list(attribute),
    Scheme: one("internal", "internet-facing"),
    SecurityGroups: list(reference),
    Subnets: list(reference, 2),
    Type: one("application"),
  }),
  "AWS::ElasticLoadBalancingV2::TargetGroup": shape(
    {
      HealthCheckIntervalSeconds: whole(5, 30),
      HealthCheckPath: text,
      HealthCheckTimeoutSeconds: whole(2, 29),
      HealthyThresholdCount: whole(2, 5),
      UnhealthyThresholdCount: whole(2, 5),
      Port: whole(1, 65_535),
      Protocol: one("HTTP"),
      TargetGroupAttributes: list(attribute),
      // A task in awsvpc mode has an address of its own.
      TargetType: one("ip"),
      VpcId: reference,
    },
    {
      HealthCheckEnabled: yes,
      HealthCheckPort: one("traffic-port"),
      HealthCheckProtocol: one("HTTP"),
      Matcher: any,
      ProtocolVersion: one("HTTP1"),
    },
  ),
  "AWS::ElasticLoadBalancingV2::Listener": shape(
    {
      DefaultActions: list(action),
      LoadBalancerArn: reference,
      Port: whole(1, 65_535),
      Protocol: one("HTTP", "HTTPS"),
    },
    {
      Certificates: list(strict({ CertificateArn: text.regex(/^arn:aws[\w-]*:acm:/, "must be an ACM certificate") })),
      SslPolicy: text.regex(
        /^ELBSecurityPolicy-TLS13-1-[23](-Res|-Ext[12])?(-FIPS)?(-PQ)?-20\d\d-\d\d$/,
        "must be a policy with TLS 1.3 and at least 1.2",
      ),
    },
  ),
  "AWS::Route53::RecordSet": shape({ AliasTarget: any, HostedZoneId: text, Name: text, Type: one("A", "AAAA") }),
  "AWS::S3::Bucket": shape({
    BucketEncryption: strict({
      // Load balancers cannot write with a key of KMS.
      ServerSideEncryptionConfiguration: list(
        strict({ ServerSideEncryptionByDefault: strict({ SSEAlgorithm: one("AES256") }) }),
      ),
    }),
    LifecycleConfiguration: strict({
      Rules: list(strict({ ExpirationInDays: whole(1, 3_650), Status: one("Enabled") })),
    }),
    PublicAccessBlockConfiguration: strict({
      BlockPublicAcls: yes,
      BlockPublicPolicy: yes,
      IgnorePublicAcls: yes,
      RestrictPublicBuckets: yes,
    }),
  }),
  "AWS::S3::BucketPolicy": shape({ Bucket: reference, PolicyDocument: policyDocument }),
  "AWS::CloudFront::VpcOrigin": shape({
    VpcOriginEndpointConfig: strict({
      Arn: reference,
      Name: text,
      OriginProtocolPolicy: one("http-only", "https-only"),
      OriginSSLProtocols: list(one("TLSv1.2")),
      HTTPPort: whole(1, 65_535).optional(),
      HTTPSPort: whole(1, 65_535).optional(),
    }),
  }),
  "AWS::CloudFront::Distribution": shape({
    DistributionConfig: strict({
      Comment: text.optional(),
      DefaultCacheBehavior: strict({
        AllowedMethods: list(text),
        CachePolicyId: text,
        OriginRequestPolicyId: text,
        TargetOriginId: text,
        ViewerProtocolPolicy: one("https-only", "redirect-to-https"),
        Compress: z.boolean().optional(),
      }),
      Enabled: yes,
      HttpVersion: one("http1.1", "http2", "http2and3"),
      IPV6Enabled: z.boolean(),
      PriceClass: text.optional(),
      Aliases: any.optional(),
      ViewerCertificate: strict({
        AcmCertificateArn: text,
        SslSupportMethod: one("sni-only"),
        MinimumProtocolVersion: text.regex(/^TLSv1\.[23]_/),
      }).optional(),
      Origins: list(
        strict({
          DomainName: text,
          Id: text,
          VpcOriginConfig: strict({
            OriginKeepaliveTimeout: whole(1, 120),
            OriginReadTimeout: whole(30, 120),
            VpcOriginId: reference,
          }),
        }),
      ),
    }),
  }),
  "Custom::AWS": shape(
    { ServiceToken: reference, Create: text, InstallLatestAwsSdk: z.boolean() },
    { Update: text, Delete: text },
  ),
};
