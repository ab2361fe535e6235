import { failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";

/** A connection that the system needs: from the group of one part to that of another. */
interface Path {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly purpose: string;
}

const first = (value: unknown): string => String([value ?? []].flat()[0] ?? "");

/** Returns the security group of what has one. */
export const groupOf = ({ type, properties }: Resource): string =>
  first(
    type === "AWS::ECS::Service"
      ? properties.NetworkConfiguration?.AwsvpcConfiguration?.SecurityGroups
      : type === "AWS::ElasticLoadBalancingV2::LoadBalancer"
        ? properties.SecurityGroups
        : (properties.VpcConfig?.SecurityGroupIds ?? properties.SecurityGroupIds),
  );

/** Returns the cache, node-based or serverless. */
export const cacheOf = (model: Model): Resource | undefined =>
  model.ofType("AWS::ElastiCache::ReplicationGroup")[0] ?? model.ofType("AWS::ElastiCache::ServerlessCache")[0];

/** The port of a cache: Serverless has no other than 6379. */
export const portOf = (cache: Resource | undefined): number => cache?.properties.Port ?? 6379;

/** The group of publishers in other repositories, which their SSM parameter names. */
function foreignGroup(model: Model): string[] {
  const parameter = model
    .ofType("AWS::SSM::Parameter")
    .find(({ properties }) => String(properties.Name).endsWith("/security-group-id"));
  return parameter ? [String(parameter.properties.Value)] : [];
}

/** Returns the groups of what runs our programs in the VPC: each talks to Redis and to AWS. */
const clientGroups = (model: Model): string[] => [
  ...model.ofType("AWS::ECS::Service").map(groupOf),
  ...model
    .ofType("AWS::Lambda::Function")
    .filter(({ properties }) => properties.VpcConfig)
    .map(groupOf),
  ...foreignGroup(model),
];

const endpointsOf = (model: Model): readonly Resource[] =>
  model.ofType("AWS::EC2::VPCEndpoint").filter(({ properties }) => properties.VpcEndpointType === "Interface");

/** Follows the load balancer's target groups to the services behind them. */
function balancerPaths(model: Model): Path[] {
  return model.ofType("AWS::ElasticLoadBalancingV2::LoadBalancer").flatMap((balancer) =>
    model.ofType("AWS::ECS::Service").flatMap((service) =>
      (service.properties.LoadBalancers ?? []).map(({ ContainerPort }: { ContainerPort: number }) => ({
        from: groupOf(balancer),
        to: groupOf(service),
        port: ContainerPort,
        purpose: "the load balancer and the tasks",
      })),
    ),
  );
}

function neededPaths(model: Model): Path[] {
  const cache = cacheOf(model);
  const clients = clientGroups(model);
  const endpoints = [...new Set(endpointsOf(model).map(groupOf))];
  return [
    ...(cache
      ? clients.map((from) => ({ from, to: groupOf(cache), port: portOf(cache), purpose: "a program and Redis" }))
      : []),
    ...endpoints.flatMap((to) => clients.map((from) => ({ from, to, port: 443, purpose: "a program and AWS" }))),
    ...balancerPaths(model),
  ];
}

const isPath = (path: Path, { from, to, port }: Omit<Path, "purpose">): boolean =>
  path.from === from && path.to === to && path.port === port;

/** Each needed path is open at both ends, and no other path is. */
const pathsRule: Rule = (model) => {
  const needed = neededPaths(model);
  const ingress = model
    .ofType("AWS::EC2::SecurityGroupIngress")
    .filter(({ properties }) => properties.SourceSecurityGroupId !== undefined);
  const egress = model.ofType("AWS::EC2::SecurityGroupEgress");
  const inward = ingress.map(({ name, properties: p }) => ({
    name,
    from: p.SourceSecurityGroupId,
    to: p.GroupId,
    port: p.FromPort,
    last: p.ToPort,
  }));
  const outward = egress.map(({ name, properties: p }) => ({
    name,
    from: p.GroupId,
    to: p.DestinationSecurityGroupId,
    port: p.FromPort,
    last: p.ToPort,
  }));
  const closed = needed.flatMap((path) =>
    failed(
      { name: path.from },
      {
        [`cannot leave for ${path.to}:${path.port}, the path of ${path.purpose}`]: outward.some((rule) =>
          isPath(path, rule),
        ),
        [`is not let in to ${path.to}:${path.port}, the path of ${path.purpose}`]: inward.some((rule) =>
          isPath(path, rule),
        ),
      },
    ),
  );
  const unused = [...inward, ...outward].flatMap((rule) =>
    failed(rule, {
      "opens a path that nothing uses": needed.some((path) => isPath(path, rule)),
      "opens several ports": rule.port === rule.last,
    }),
  );
  return [...closed, ...unused];
};

/** The attached groups exist, in the VPC; everybody who calls AWS may leave on 443. */
const groupsRule: Rule = (model) => {
  const users = [
    "AWS::ECS::Service",
    "AWS::Lambda::Function",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::ServerlessCache",
  ]
    .flatMap((type) => model.ofType(type))
    .filter(({ type, properties }) => type !== "AWS::Lambda::Function" || properties.VpcConfig);
  const groups = users.map(groupOf);
  const open = (group: string): boolean => {
    const resource = model.target(group, "AWS::EC2::SecurityGroup", "GroupId");
    return (resource?.properties.SecurityGroupEgress ?? []).some(
      (rule: { CidrIp?: string; FromPort?: number }) => rule.CidrIp === "0.0.0.0/0" && rule.FromPort === 443,
    );
  };
  const separate = new Set(model.ofType("AWS::EC2::SecurityGroupEgress").map(({ properties }) => properties.GroupId));
  return [
    // Without any rule a group may connect to everything.
    ...model.ofType("AWS::EC2::SecurityGroup").flatMap((group) =>
      failed(group, {
        "may connect to everything":
          group.properties.SecurityGroupEgress ?? separate.has(referenceTo(group, "GroupId")),
      }),
    ),
    ...users.flatMap((user, index) =>
      failed(user, {
        "has a security group that is none": model.target(groups[index], "AWS::EC2::SecurityGroup", "GroupId"),
      }),
    ),
    ...clientGroups(model).flatMap((group) => failed({ name: group }, { "cannot reach AWS on port 443": open(group) })),
    ...users.flatMap((user, index) =>
      failed(user, {
        "shares its security group with something else": groups.filter((group) => group === groups[index]).length === 1,
      }),
    ),
  ];
};

/** The rules of who may connect to whom. */
export const pathRules: readonly Rule[] = [pathsRule, groupsRule];
