import type { CheckedConfig, Rule } from "./rule.ts";
import { hasVpcOrigins } from "./zones.ts";

function hostedZoneRules({ domainName, hostedZoneId, hostedZoneName }: CheckedConfig["edge"]): Rule[] {
  return [
    {
      path: ["edge", "hostedZoneId"],
      broken: (hostedZoneId === undefined) !== (hostedZoneName === undefined),
      message: "edge.hostedZoneId and edge.hostedZoneName go together: give both or neither",
    },
    {
      path: ["edge", "hostedZoneName"],
      broken: hostedZoneName !== undefined && !`.${domainName}`.endsWith(`.${hostedZoneName}`),
      message: `the zone ${hostedZoneName} cannot hold edge.domainName, which is ${domainName}`,
    },
  ];
}

/** Returns the rules of the gateway's endpoint. */
export function edgeRules({ edge, gateway, region, protection }: CheckedConfig): Rule[] {
  const { type, domainName, certificateArn } = edge;
  const certificateRegion = certificateArn?.split(":")[3];
  return [
    {
      path: ["edge", "certificateArn"],
      broken: domainName !== undefined && certificateArn === undefined,
      message: `is missing: the domain ${domainName} needs an ACM certificate in ${region}`,
    },
    {
      path: ["edge", "domainName"],
      broken: certificateArn !== undefined && domainName === undefined,
      message: "is missing: give the domain of the certificate, the name that clients use",
    },
    {
      path: ["edge", "certificateArn"],
      broken: certificateRegion !== undefined && certificateRegion !== region,
      message: `is in ${certificateRegion}; the load balancer needs one in ${region}`,
    },
    ...hostedZoneRules(edge),
    {
      path: ["edge", "type"],
      broken: type === "cloudfront" && domainName !== undefined,
      message: "cloudfront is for environments without a domain: use alb with edge.domainName and edge.certificateArn",
    },
    {
      path: ["edge", "type"],
      broken: gateway.enabled && type === "cloudfront" && !hasVpcOrigins(region),
      message: `CloudFront cannot reach a private load balancer in ${region}: use alb with a domain and a certificate`,
    },
    {
      path: ["edge", "type"],
      broken: gateway.enabled && protection && type === "alb" && certificateArn === undefined,
      message: "a protected environment must not serve plain HTTP: give a domain and a certificate, or use cloudfront",
    },
  ];
}
