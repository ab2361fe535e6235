import type { z } from "zod";
import { ecrImage } from "./ecr-image.ts";
import { fargateSizes } from "./fargate-sizes.ts";
import { availabilityZonesOf } from "./regions.ts";
import type {
  authSchema,
  cacheSchema,
  edgeSchema,
  gatewaySchema,
  managedEdgeSchema,
  networkSchema,
} from "./sections.ts";

/** The part of the configuration that rules check. */
export interface CheckedConfig {
  readonly region: string;
  readonly protection: boolean;
  readonly network: z.infer<typeof networkSchema>;
  readonly cache: z.infer<typeof cacheSchema>;
  readonly gateway: z.infer<typeof gatewaySchema>;
  readonly managedEdge: z.infer<typeof managedEdgeSchema>;
  readonly auth: z.infer<typeof authSchema>;
  readonly edge: z.infer<typeof edgeSchema>;
}

/** A field that contradicts another one, and the allowed values. */
export interface Problem {
  readonly path: string[];
  readonly message: string;
}

interface Rule extends Problem {
  readonly broken: boolean;
}

function networkRules({ region, network }: CheckedConfig): Rule[] {
  const { availabilityZones, natDevices } = network;
  const zones = availabilityZonesOf(region);
  return [
    {
      path: ["network", "availabilityZones"],
      broken: availabilityZones > zones,
      message: `${region} has ${zones} availability zones; use 2 to ${zones}`,
    },
    {
      path: ["network", "natDevices"],
      broken: natDevices > availabilityZones,
      message: `there are ${availabilityZones} availability zones, and more than one device per zone makes no sense`,
    },
  ];
}

function gatewayRules({ gateway, protection, cache, network }: CheckedConfig): Rule[] {
  const { cpu, memory, minTasks, maxTasks } = gateway;
  const sizes = fargateSizes[cpu] ?? [];
  return [
    {
      path: ["gateway", "memory"],
      broken: !sizes.includes(memory),
      message: `Fargate has no task size of ${cpu} CPU units and ${memory} MiB; with ${cpu} use ${sizes.join(", ")}`,
    },
    {
      path: ["gateway", "image"],
      broken: network.egress === "endpoints" && gateway.image !== undefined && !ecrImage(gateway.image),
      message: "with egress endpoints only an image in ECR can be pulled: give one, or none",
    },
    {
      path: ["gateway", "remoteWriteUrl"],
      broken: network.egress === "endpoints" && gateway.remoteWriteUrl !== undefined,
      message: "with egress endpoints neither the collector's image nor the workspace can be reached: omit it",
    },
    {
      path: ["gateway", "maxTasks"],
      broken: maxTasks < minTasks,
      message: `must be at least gateway.minTasks, which is ${minTasks}`,
    },
    {
      path: ["gateway", "minTasks"],
      broken: gateway.enabled && protection && minTasks < 2,
      message: "a protected environment must survive the loss of a zone: use at least 2",
    },
    {
      path: ["cache", "replicas"],
      broken: protection && cache.mode === "cluster" && cache.replicas === 0,
      message: "a protected environment must survive the loss of a zone: use at least 1",
    },
  ];
}

/** The longest JWKS that fits into a function's environment (4 KB) with the other variables. */
const MAXIMUM_JWKS_LENGTH = 3_000;

function managedEdgeRules({ managedEdge, gateway, network, auth, edge }: CheckedConfig): Rule[] {
  return [
    {
      path: ["gateway", "enabled"],
      broken: !gateway.enabled && !managedEdge.enabled,
      message: "there would be no endpoint: keep gateway.enabled or set managedEdge.enabled",
    },
    {
      path: ["managedEdge", "enabled"],
      broken: managedEdge.enabled && network.egress === "endpoints",
      message:
        "its functions post to connections over the internet: use network.egress nat-instance or nat-gateway, or disable it",
    },
    {
      path: ["auth", "jwks"],
      broken: managedEdge.enabled && (auth.jwks?.length ?? 0) > MAXIMUM_JWKS_LENGTH,
      message: `with managedEdge at most ${MAXIMUM_JWKS_LENGTH} characters, since the variables of a function are limited to 4 KB: give auth.jwksUri instead`,
    },
    {
      path: ["edge", "domainName"],
      broken: !gateway.enabled && edge.domainName !== undefined,
      message: "belongs to the gateway's load balancer, and gateway.enabled is false",
    },
  ];
}

function authRules({ auth, network }: CheckedConfig): Rule[] {
  const { issuer, audience, jwksUri, jwks } = auth;
  return [
    {
      path: ["auth", "audience"],
      broken: (issuer === undefined) !== (audience === undefined),
      message: "auth.issuer and auth.audience go together: give both, or neither for a Cognito user pool",
    },
    {
      path: ["auth", jwks === undefined ? "jwksUri" : "jwks"],
      broken: issuer === undefined && (jwksUri !== undefined || jwks !== undefined),
      message: "belongs to an issuer of yours: give auth.issuer as well",
    },
    {
      path: ["network", "egress"],
      broken: network.egress === "endpoints" && jwks === undefined,
      message: "with endpoints the issuer's keys cannot be fetched: give auth.jwks, or use nat-instance or nat-gateway",
    },
  ];
}

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

function edgeRules({ edge, gateway, region, protection }: CheckedConfig): Rule[] {
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
      broken: gateway.enabled && protection && type === "alb" && certificateArn === undefined,
      message: "a protected environment must not serve plain HTTP: give a domain and a certificate, or use cloudfront",
    },
  ];
}

/** Returns the fields that are valid on their own but not together. */
export const findProblems = (config: CheckedConfig): Problem[] =>
  [networkRules, gatewayRules, managedEdgeRules, authRules, edgeRules]
    .flatMap((rules) => rules(config))
    .filter(({ broken }) => broken);
