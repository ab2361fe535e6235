import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import { groupOf } from "./paths.ts";

/** Returns the ports on which a load balancer listens. */
const listenedPorts = (model: Model, balancer: Resource): number[] =>
  model
    .ofType("AWS::ElasticLoadBalancingV2::Listener")
    .filter(({ properties }) => properties.LoadBalancerArn === referenceTo(balancer))
    .map(({ properties }) => properties.Port);

const PREFIX_LIST = "com.amazonaws.global.cloudfront.origin-facing";

/** Only load balancers are open to addresses: a public one to the configured ones, a private one to CloudFront. */
function openFindings(model: Model): Finding[] {
  const [balancer] = model.ofType("AWS::ElasticLoadBalancingV2::LoadBalancer");
  const group = balancer ? groupOf(balancer) : "none";
  const ports = balancer ? listenedPorts(model, balancer) : [];
  const isPublic = balancer?.properties.Scheme === "internet-facing";
  const { allowedCidrs } = model.config.edge;
  const instanceGroups = model
    .ofType("AWS::EC2::Instance")
    .flatMap(({ properties }) => properties.NetworkInterfaces?.[0]?.GroupSet ?? []);
  const inline = model
    .ofType("AWS::EC2::SecurityGroup")
    .flatMap((owner) => (owner.properties.SecurityGroupIngress ?? []).map((rule: object) => ({ owner, ...rule })));
  const open = ports.every((port) =>
    allowedCidrs.every((cidr) =>
      inline.some(
        (rule) => referenceTo(rule.owner, "GroupId") === group && rule.CidrIp === cidr && rule.FromPort === port,
      ),
    ),
  );
  return [
    ...inline.flatMap((rule) => {
      const isOfNat = instanceGroups.includes(referenceTo(rule.owner, "GroupId"));
      const allowed = isOfNat
        ? rule.CidrIp === model.config.network.cidr && rule.FromPort === 443
        : group === referenceTo(rule.owner, "GroupId") &&
          isPublic &&
          allowedCidrs.includes(rule.CidrIp) &&
          ports.includes(rule.FromPort);
      return failed(rule.owner, {
        [`is open to ${rule.CidrIp} on ${rule.FromPort}`]: allowed && rule.FromPort === rule.ToPort,
      });
    }),
    ...(balancer && isPublic ? failed(balancer, { "does not let its clients in": open }) : []),
  ];
}

function prefixListFindings(model: Model): Finding[] {
  const lists = model
    .ofType("AWS::EC2::SecurityGroupIngress")
    .filter(({ properties }) => properties.SourcePrefixListId !== undefined);
  const [balancer] = model.ofType("AWS::ElasticLoadBalancingV2::LoadBalancer");
  const isPrivate = balancer?.properties.Scheme === "internal";
  return [
    ...lists.flatMap((rule) => {
      const [lookup] = model.references(rule.properties.SourcePrefixListId);
      return failed(rule, {
        "lets in another list than CloudFront's":
          lookup?.type === "Custom::AWS" && String(lookup.properties.Create).includes(`"Values":["${PREFIX_LIST}"]`),
        "is not of the load balancer": balancer && rule.properties.GroupId === groupOf(balancer),
        "opens another port than the listener's":
          balancer &&
          listenedPorts(model, balancer).includes(rule.properties.FromPort) &&
          rule.properties.FromPort === rule.properties.ToPort,
      });
    }),
    ...(balancer && isPrivate ? failed(balancer, { "does not let CloudFront in": lists.length === 1 }) : []),
    ...model.ofType("AWS::EC2::SecurityGroupIngress").flatMap((rule) =>
      failed(rule, {
        "names no source":
          rule.properties.SourceSecurityGroupId !== undefined || rule.properties.SourcePrefixListId !== undefined,
      }),
    ),
  ];
}

/** The services that need an endpoint where there is no NAT, from the calls of the code and what ECS does for a task. */
const endpointServices = ["s3", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs"];

const endpointRule: Rule = (model) => {
  const all = model.ofType("AWS::EC2::VPCEndpoint");
  const { region, network, gateway, rotation } = model.config;
  const { egress } = network;
  const names = all.map(({ properties }) =>
    [region, `\${AWS::Region}`].reduce(
      (name: string, part) => (name.startsWith(`com.amazonaws.${part}.`) ? name.slice(15 + part.length) : name),
      properties.ServiceName,
    ),
  );
  const needed = [
    ...(egress === "endpoints" ? endpointServices : ["s3"]),
    ...(egress === "endpoints" && gateway.enabled ? ["elasticloadbalancing"] : []),
    ...(egress === "endpoints" && rotation.enabled ? ["elasticache"] : []),
    ...(model.config.managedEdge.enabled ? ["dynamodb"] : []),
  ];
  const tables = model.ofType("AWS::EC2::RouteTable").map((table) => referenceTo(table));
  return [
    ...needed.flatMap((service) =>
      failed({ name: "VPC" }, { [`has no endpoint of ${service}`]: names.includes(service) }),
    ),
    ...failed(
      { name: "VPC" },
      {
        "has endpoints that nothing uses, or two of a service":
          names.length === needed.length && names.every((name) => needed.includes(name)),
      },
    ),
    ...all.flatMap((endpoint) =>
      endpoint.properties.VpcEndpointType === "Gateway"
        ? failed(endpoint, {
            "is missing in a route table": tables.every((table) => endpoint.properties.RouteTableIds?.includes(table)),
          })
        : failed(endpoint, {
            "has no private name, so that nobody finds it": endpoint.properties.PrivateDnsEnabled === true,
            "is not in every zone": endpoint.properties.SubnetIds?.length === model.config.network.availabilityZones,
          }),
    ),
  ];
};

/** The rules of what is open to others than the parts of the system, and of the doors to AWS. */
export const openPortRules: readonly Rule[] = [openFindings, prefixListFindings, endpointRule];
