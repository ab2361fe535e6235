import { type Finding, failed, type Resource, type Rule, referenceTo } from "../model.ts";
import { asList, refusesClearText } from "./policies.ts";
import { attributesOf } from "./service.ts";

/** The attributes of an application load balancer, as the API spells them. */
const balancerAttributes = new Set([
  "deletion_protection.enabled",
  "idle_timeout.timeout_seconds",
  "routing.http.drop_invalid_header_fields.enabled",
  "access_logs.s3.enabled",
  "access_logs.s3.bucket",
  "access_logs.s3.prefix",
  "client_keep_alive.seconds",
  "load_balancing.cross_zone.enabled",
  "routing.http2.enabled",
  "routing.http.desync_mitigation_mode",
]);

/** The gateway's ping, in seconds. */
const PING_SECONDS = 20;

const balancerRule: Rule = (model) =>
  model.ofType("AWS::ElasticLoadBalancingV2::LoadBalancer").flatMap((balancer) => {
    const attributes = attributesOf(balancer.properties.LoadBalancerAttributes);
    const bucket = model.target(attributes["access_logs.s3.bucket"], "AWS::S3::Bucket");
    const policies = model
      .ofType("AWS::S3::BucketPolicy")
      .filter(({ properties }) => bucket && properties.Bucket === referenceTo(bucket));
    const idle = Number(attributes["idle_timeout.timeout_seconds"]);
    return failed(balancer, {
      "has an attribute that does not exist": Object.keys(attributes).every((key) => balancerAttributes.has(key)),
      "is protected otherwise than configured":
        attributes["deletion_protection.enabled"] === String(model.config.protection),
      "cuts connections between two pings": idle >= 3 * PING_SECONDS && idle <= 4_000,
      "forwards headers that HTTP does not allow":
        attributes["routing.http.drop_invalid_header_fields.enabled"] === "true",
      "writes no log": attributes["access_logs.s3.enabled"] === "true" && bucket,
      "may not write its log, and so cannot be created":
        policies.length === 1 &&
        policies.every(
          ({ properties, logicalId }) =>
            mayWriteLogs(properties.PolicyDocument.Statement) && balancer.dependsOn.includes(logicalId),
        ),
      "is public, or private, against edge.type":
        (balancer.properties.Scheme === "internet-facing") === (model.config.edge.type === "alb"),
    });
  });

interface Statement {
  readonly Effect: string;
  readonly Action: string;
  readonly Principal: { readonly AWS?: string; readonly Service?: string };
  readonly Condition?: unknown;
  readonly Resource: string | readonly string[];
}

function mayWriteLogs(statements: readonly Statement[]): boolean {
  const writes = (test: (principal: Statement["Principal"]) => boolean): boolean =>
    statements.some(
      ({ Effect, Action, Principal, Resource }) =>
        Effect === "Allow" &&
        Action === "s3:PutObject" &&
        test(Principal) &&
        [Resource].flat().every((arn) => arn.endsWith(`/AWSLogs/\${AWS::AccountId}/*`)),
    );
  return (
    writes(({ Service }) => Service === "delivery.logs.amazonaws.com") &&
    writes(
      ({ AWS, Service }) =>
        /^arn:aws[\w-]*:iam::\d{12}:root$/.test(AWS ?? "") ||
        Service === "logdelivery.elasticloadbalancing.amazonaws.com",
    )
  );
}

const bucketRule: Rule = (model) => [
  ...model.ofType("AWS::S3::Bucket").flatMap((bucket) =>
    failed(bucket, {
      "keeps its objects for another time than logRetentionDays":
        bucket.properties.LifecycleConfiguration?.Rules?.[0]?.ExpirationInDays === model.config.logRetentionDays,
    }),
  ),
  ...model.ofType("AWS::S3::BucketPolicy").flatMap((policy): Finding[] => {
    const statements: Statement[] = policy.properties.PolicyDocument.Statement;
    const bucket = model.target(policy.properties.Bucket, "AWS::S3::Bucket");
    const own = bucket ? referenceTo(bucket, "Arn") : "";
    const allows = statements.filter(({ Effect }) => Effect === "Allow");
    return failed(policy, {
      "takes requests without TLS": [own, `${own}/*`].every((part) => refusesClearText(statements, "s3:*", part)),
      "allows something outside the bucket": allows.every(
        ({ Resource }) => asList(Resource).length > 0 && asList(Resource).every((part) => part.startsWith(own)),
      ),
      "lets anybody in": allows.every(
        ({ Principal }) => Principal && Principal.AWS !== "*" && String(Principal) !== "*",
      ),
    });
  }),
];

const isForward = (action: { Type: string }): boolean => action.Type === "forward";

/** Each listener sends to the service, or to HTTPS; nothing is served in clear text to the internet where it need not be. */
const listenerRule: Rule = (model) => {
  const listeners = model.ofType("AWS::ElasticLoadBalancingV2::Listener");
  const [service] = model.ofType("AWS::ECS::Service");
  const { certificateArn } = model.config.edge;
  const secure = listeners.filter(({ properties }) => properties.Protocol === "HTTPS");
  const perListener = (listener: Resource): Finding[] => {
    const p = listener.properties;
    const [action, ...others] = p.DefaultActions ?? [];
    const isHttps = p.Protocol === "HTTPS";
    return failed(listener, {
      "is of no load balancer": model.target(p.LoadBalancerArn, "AWS::ElasticLoadBalancingV2::LoadBalancer"),
      "has several actions": others.length === 0,
      "has the port of the other protocol": p.Port === (isHttps ? 443 : 80),
      "has no certificate, or another than configured":
        !isHttps ||
        (p.Certificates?.[0]?.CertificateArn === certificateArn && p.Certificates.length === 1 && p.SslPolicy),
      "answers by itself": isForward(action) || action?.Type === "redirect",
      "sends to other targets than the service's":
        !isForward(action) || action.TargetGroupArn === service?.properties.LoadBalancers?.[0]?.TargetGroupArn,
      "serves in clear text beside HTTPS":
        isHttps || secure.length === 0 || (action?.Type === "redirect" && action.RedirectConfig),
      "sends to an HTTPS that nobody serves": action?.Type !== "redirect" || secure.length === 1,
    });
  };
  return [
    ...listeners.flatMap(perListener),
    ...failed(
      { name: "listeners" },
      {
        "do not serve the certificate": (certificateArn !== undefined) === secure.length > 0,
        "are missing":
          listeners.length === model.ofType("AWS::ElasticLoadBalancingV2::LoadBalancer").length + secure.length,
        "do not send to the service":
          !service || listeners.some(({ properties }) => properties.DefaultActions?.some(isForward)),
      },
    ),
  ];
};

/** The rules of the load balancer: attributes, log, listeners. */
export const loadBalancerRules: readonly Rule[] = [balancerRule, bucketRule, listenerRule];
