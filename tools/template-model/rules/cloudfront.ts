import { failed, type Rule, referenceTo } from "../model.ts";

/** AWS's own policies: no caching, and every header of the viewer, among them those of a WebSocket. */
const CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3";

const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

const distributionRule: Rule = (model) =>
  model.ofType("AWS::CloudFront::Distribution").flatMap((distribution) => {
    const { DefaultCacheBehavior: behavior = {}, Origins: origins = [] } =
      distribution.properties.DistributionConfig ?? {};
    const [origin, ...others] = origins;
    const [balancer] = model.ofType("AWS::ElasticLoadBalancingV2::LoadBalancer");
    const vpcOrigin = model.target(origin?.VpcOriginConfig?.VpcOriginId, "AWS::CloudFront::VpcOrigin", "Id");
    return failed(distribution, {
      "sends to an origin that it does not have": others.length === 0 && behavior.TargetOriginId === origin?.Id,
      "has another origin than the load balancer": balancer && origin?.DomainName === referenceTo(balancer, "DNSName"),
      "reaches its origin over the internet": vpcOrigin,
      caches: behavior.CachePolicyId === CACHING_DISABLED,
      "drops headers that a WebSocket needs": behavior.OriginRequestPolicyId === ALL_VIEWER,
      "refuses methods of long polling":
        JSON.stringify([...(behavior.AllowedMethods ?? [])].toSorted()) === JSON.stringify(METHODS),
    });
  });

const vpcOriginRule: Rule = (model) =>
  model.ofType("AWS::CloudFront::VpcOrigin").flatMap((origin) => {
    const {
      Arn,
      OriginProtocolPolicy,
      HTTPPort = 80,
      HTTPSPort = 443,
    } = origin.properties.VpcOriginEndpointConfig ?? {};
    const balancer = model.target(Arn, "AWS::ElasticLoadBalancingV2::LoadBalancer");
    const isHttps = OriginProtocolPolicy === "https-only";
    const listeners = model
      .ofType("AWS::ElasticLoadBalancingV2::Listener")
      .filter(({ properties }) => properties.LoadBalancerArn === Arn);
    return failed(origin, {
      "is no load balancer of ours": balancer,
      "is public, so that others reach it too": balancer?.properties.Scheme === "internal",
      "has a protocol or port that nobody listens on": listeners.some(
        ({ properties }) =>
          properties.Protocol === (isHttps ? "HTTPS" : "HTTP") && properties.Port === (isHttps ? HTTPSPort : HTTPPort),
      ),
    });
  });

/** With edge.type cloudfront there is one distribution, and without it none. */
const typeRule: Rule = (model) =>
  failed(
    { name: "CloudFront" },
    {
      "is not deployed as configured":
        model.ofType("AWS::CloudFront::Distribution").length ===
        (model.config.edge.type === "cloudfront" && model.config.gateway.enabled ? 1 : 0),
    },
  );

/** The record of a domain leads to the load balancer, under the configured name. */
const recordRule: Rule = (model) =>
  model.ofType("AWS::Route53::RecordSet").flatMap((record) => {
    const [balancer] = model.ofType("AWS::ElasticLoadBalancingV2::LoadBalancer");
    const { domainName, hostedZoneId } = model.config.edge;
    const { DNSName, HostedZoneId } = record.properties.AliasTarget ?? {};
    return failed(record, {
      "has another name than configured":
        record.properties.Name === `${domainName}.` && record.properties.HostedZoneId === hostedZoneId,
      "leads elsewhere":
        balancer &&
        String(DNSName).endsWith(referenceTo(balancer, "DNSName")) &&
        HostedZoneId === referenceTo(balancer, "CanonicalHostedZoneID"),
    });
  });

/** The rules of the way from a client to the load balancer. */
export const cloudFrontRules: readonly Rule[] = [distributionRule, vpcOriginRule, typeRule, recordRule];
