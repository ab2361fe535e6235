import { zonesOf } from "../../../infra/config/zones.ts";
import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";

/** How traffic leaves a subnet. */
export type Exit = "internet" | "nat" | "none" | "broken";

const routeTableOf = (model: Model, subnet: Resource): readonly Resource[] =>
  model
    .ofType("AWS::EC2::SubnetRouteTableAssociation")
    .filter(({ properties }) => properties.SubnetId === referenceTo(subnet))
    .flatMap(({ properties }) => model.target(properties.RouteTableId, "AWS::EC2::RouteTable") ?? []);

/** Returns true for a NAT gateway or instance that itself is in a subnet with a route to the internet. */
function isNat(model: Model, { properties }: Resource): boolean {
  const device =
    model.target(properties.NatGatewayId, "AWS::EC2::NatGateway") ??
    model.target(properties.InstanceId, "AWS::EC2::Instance");
  const subnetId = device?.properties.SubnetId ?? device?.properties.NetworkInterfaces?.[0]?.SubnetId;
  const subnet = model.target(subnetId, "AWS::EC2::Subnet");
  return subnet !== undefined && exitOf(model, subnet, false) === "internet";
}

/** Follows a subnet's route table to the internet gateway or the NAT. */
export function exitOf(model: Model, subnet: Resource, followsNat = true): Exit {
  const [table, ...others] = routeTableOf(model, subnet);
  if (!table || others.length > 0) return "broken";
  const routes = model
    .ofType("AWS::EC2::Route")
    .filter(({ properties }) => properties.RouteTableId === referenceTo(table));
  const [route] = routes;
  if (!route) return "none";
  if (routes.length > 1) return "broken";
  const gateway = model.target(route.properties.GatewayId, "AWS::EC2::InternetGateway");
  if (gateway) {
    const attached = model
      .ofType("AWS::EC2::VPCGatewayAttachment")
      .some(
        ({ properties }) =>
          properties.InternetGatewayId === referenceTo(gateway) && properties.VpcId === subnet.properties.VpcId,
      );
    return attached ? "internet" : "broken";
  }
  // A NAT behind a NAT, which may be itself, leads nowhere.
  return followsNat && isNat(model, route) ? "nat" : "broken";
}

const zoneOf = ({ properties }: Resource): string => properties.AvailabilityZoneId ?? properties.AvailabilityZone ?? "";

const addressOf = (text: string): number => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

function rangeOf(cidr: string): readonly [number, number] {
  const [address = "", bits = ""] = cidr.split("/");
  const start = addressOf(address);
  return [start, start + 2 ** (32 - Number(bits))];
}

function addressFindings(model: Model, subnet: Resource): Finding[] {
  const vpc = model.target(subnet.properties.VpcId, "AWS::EC2::VPC");
  if (!vpc) return failed(subnet, { "is in no VPC": false });
  const [start, end] = rangeOf(subnet.properties.CidrBlock);
  const [first, last] = rangeOf(vpc.properties.CidrBlock);
  const overlaps = model.ofType("AWS::EC2::Subnet").some((other) => {
    const [from, to] = rangeOf(other.properties.CidrBlock);
    return other !== subnet && from < end && start < to;
  });
  return failed(subnet, {
    "is outside the addresses of its VPC": start >= first && end <= last,
    "overlaps another subnet": !overlaps,
    "is in a zone that the configuration does not name": zonesOf(model.config.region, model.config.network).includes(
      zoneOf(subnet),
    ),
    "has no way out, or one that leads nowhere": exitOf(model, subnet) !== "broken",
  });
}

/** The VPC has its addresses, and each zone a subnet of each kind. */
const planRule: Rule = (model) => {
  const subnets = model.ofType("AWS::EC2::Subnet");
  const zones = zonesOf(model.config.region, model.config.network);
  const kinds = Map.groupBy(
    subnets,
    (subnet) => `${exitOf(model, subnet)} ${rangeOf(subnet.properties.CidrBlock).reduce((a, b) => b - a)}`,
  );
  return [
    ...model.ofType("AWS::EC2::VPC").flatMap((vpc) =>
      failed(vpc, {
        "has other addresses than network.cidr": vpc.properties.CidrBlock === model.config.network.cidr,
      }),
    ),
    ...subnets.flatMap((subnet) => addressFindings(model, subnet)),
    ...[...kinds].flatMap(([kind, members]) =>
      failed(
        { name: `subnets ${kind}` },
        {
          "are not one per zone": new Set(members.map(zoneOf)).size === zones.length && members.length === zones.length,
        },
      ),
    ),
  ];
};

/** What places resources into subnets, and the exits that they may have there. */
const placements: readonly (readonly [
  string,
  (properties: Resource["properties"]) => unknown,
  (resource: Resource) => readonly Exit[],
])[] = [
  ["AWS::ECS::Service", (p) => p.NetworkConfiguration?.AwsvpcConfiguration?.Subnets, () => ["nat", "none"]],
  ["AWS::Lambda::Function", (p) => p.VpcConfig?.SubnetIds, () => ["nat", "none"]],
  ["AWS::ElastiCache::SubnetGroup", (p) => p.SubnetIds, () => ["none"]],
  ["AWS::ElastiCache::ServerlessCache", (p) => p.SubnetIds, () => ["none"]],
  [
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    (p) => p.Subnets,
    ({ properties }) => (properties.Scheme === "internal" ? ["nat", "none"] : ["internet"]),
  ],
  ["AWS::EC2::NatGateway", (p) => [p.SubnetId], () => ["internet"]],
  [
    "AWS::EC2::Instance",
    (p) => p.NetworkInterfaces?.map((card: { SubnetId: unknown }) => card.SubnetId),
    () => ["internet"],
  ],
];

/** Returns true if what is in a subnet reaches AWS: through NAT, or through the endpoints of a VPC without one. */
function reachesAws(model: Model, subnets: readonly Resource[]): boolean {
  const isIsolated = model.config.network.egress === "endpoints";
  return subnets.every((subnet) => exitOf(model, subnet) === (isIsolated ? "none" : "nat"));
}

const placementRule: Rule = (model) =>
  placements.flatMap(([type, subnetsOf, exitsOf]) =>
    model.ofType(type).flatMap((resource) => {
      const ids = [subnetsOf(resource.properties) ?? []].flat();
      const subnets = ids.flatMap((id) => model.target(id, "AWS::EC2::Subnet") ?? []);
      const callsAws = type === "AWS::ECS::Service" || type === "AWS::Lambda::Function";
      const isSingle = type === "AWS::EC2::NatGateway" || type === "AWS::EC2::Instance";
      return failed(resource, {
        "names a subnet that is none": subnets.length === ids.length,
        "is in a subnet of the wrong kind": subnets.every((subnet) =>
          exitsOf(resource).includes(exitOf(model, subnet)),
        ),
        "is in subnets from which AWS cannot be reached": !callsAws || ids.length === 0 || reachesAws(model, subnets),
        "is in two subnets of one zone": new Set(subnets.map(zoneOf)).size === subnets.length,
        "does not use every zone":
          isSingle || ids.length === 0 || subnets.length >= Math.min(3, model.config.network.availabilityZones),
      });
    }),
  );

/** As many NAT devices as configured, each with an address, and one per zone where there are as many. */
const natRule: Rule = (model) => {
  const { egress, natDevices } = model.config.network;
  const gateways = model.ofType("AWS::EC2::NatGateway");
  const instances = model.ofType("AWS::EC2::Instance");
  const routes = model.ofType("AWS::EC2::Route").filter(({ properties }) => !properties.GatewayId);
  const used = new Set(routes.map(({ properties }) => properties.NatGatewayId ?? properties.InstanceId));
  return [
    ...failed(
      { name: "NAT" },
      {
        "has not as many devices as configured":
          (egress === "endpoints" ? 0 : natDevices) === gateways.length + instances.length,
        "has devices that no subnet uses": used.size === gateways.length + instances.length,
      },
    ),
    ...gateways.flatMap((gateway) =>
      failed(gateway, {
        "has no address of its own":
          model
            .ofType("AWS::EC2::EIP")
            .some((address) => gateway.properties.AllocationId === referenceTo(address, "AllocationId")) &&
          gateways.filter(({ properties }) => properties.AllocationId === gateway.properties.AllocationId).length === 1,
      }),
    ),
  ];
};

/** The rules of the VPC: addresses, zones, routes, and what is placed where. */
export const subnetRules: readonly Rule[] = [planRule, placementRule, natRule];
