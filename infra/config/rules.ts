import { ecrImage } from "./ecr-image.ts";
import { edgeRules } from "./edge-rules.ts";
import { fargateSizes } from "./fargate-sizes.ts";
import type { CheckedConfig, Problem, Rule } from "./rule.ts";
import { zoneRules } from "./zone-rules.ts";

function networkRules({ network }: CheckedConfig): Rule[] {
  const { availabilityZones, natDevices } = network;
  return [
    {
      path: ["network", "natDevices"],
      broken: natDevices > availabilityZones,
      message: `there are ${availabilityZones} availability zones, and more than one device per zone makes no sense`,
    },
  ];
}

/** The default limit on the nodes of a cluster: docs.aws.amazon.com/AmazonElastiCache/latest/dg/quota-limits.html */
const MAXIMUM_NODES = 90;

function cacheRules({ cache, protection }: CheckedConfig): Rule[] {
  const nodes = cache.shards * (1 + cache.replicas);
  return [
    {
      path: ["cache", "shards"],
      broken: cache.mode === "cluster" && nodes > MAXIMUM_NODES,
      message: `${cache.shards} shards with ${cache.replicas} replicas are ${nodes} nodes; a cluster has at most ${MAXIMUM_NODES}`,
    },
    {
      path: ["cache", "replicas"],
      broken: protection && cache.mode === "cluster" && cache.replicas === 0,
      message: "a protected environment must survive the loss of a zone: use at least 1",
    },
  ];
}

/** What must be given before people depend on an environment. */
function protectionRules({ protection, gateway, alarmEmail, cost }: CheckedConfig): Rule[] {
  return [
    {
      path: ["gateway", "corsOrigins"],
      broken: gateway.enabled && protection && gateway.corsOrigins.includes("*"),
      message: "a protected environment must name the origins of its pages, such as https://app.example.com",
    },
    {
      path: ["alarmEmail"],
      broken: protection && alarmEmail === undefined,
      message: "is missing: the alarms of a protected environment must reach somebody",
    },
    {
      path: ["cost", "monthlyBudget"],
      broken: cost.monthlyBudget !== undefined && alarmEmail === undefined,
      message: "needs alarmEmail, the address that the budget notifies",
    },
  ];
}

/** The memory of a gateway, in MiB: its own and that of a connection with some subscriptions. */
const memoryFor = (connections: number): number => 200 + Math.ceil(connections * 0.03);

function gatewayRules({ gateway, protection, network }: CheckedConfig): Rule[] {
  const { cpu, memory, minTasks, maxTasks, maxConnections } = gateway;
  const sizes = fargateSizes[cpu] ?? [];
  return [
    {
      path: ["gateway", "memory"],
      broken: !sizes.includes(memory),
      message: `Fargate has no task size of ${cpu} CPU units and ${memory} MiB; with ${cpu} use ${sizes.join(", ")}`,
    },
    {
      path: ["gateway", "maxConnections"],
      broken: memory < memoryFor(maxConnections),
      message: `${maxConnections} connections take some ${memoryFor(maxConnections)} MiB, and gateway.memory is ${memory}`,
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

/** Returns the fields that are valid on their own but not together. */
export const findProblems = (config: CheckedConfig): Problem[] =>
  [zoneRules, networkRules, cacheRules, protectionRules, gatewayRules, managedEdgeRules, authRules, edgeRules]
    .flatMap((rules) => rules(config))
    .filter(({ broken }) => broken);
