import { describe, expect, it } from "vitest";
import { zonesOf } from "../../infra/config/zones.ts";
import { synthesize, variants } from "./synthesize.ts";

/** Returns the logical id that a value refers to. */
const referenceOf = (value: { Ref?: string; "Fn::GetAtt"?: string[] } | undefined): string | undefined =>
  value?.Ref ?? value?.["Fn::GetAtt"]?.[0];

describe.each(Object.entries(variants))("%s", (_name, fields) => {
  const { config, ofType, assembly } = synthesize(fields);
  const { egress, natDevices, availabilityZones } = config.network;
  const publicSubnets = ofType("AWS::EC2::Subnet").filter(({ logicalId }) => logicalId.includes("Public"));

  it("has subnets in every zone", () => {
    const zones = ofType("AWS::EC2::Subnet").map(
      ({ Properties }) => Properties.AvailabilityZoneId ?? Properties.AvailabilityZone,
    );

    expect(zones).toHaveLength(3 * availabilityZones);
    expect(new Set(zones)).toEqual(new Set(zonesOf(config.region, config.network)));
  });

  it("has NAT devices with public addresses, in public subnets", () => {
    const instances = ofType("AWS::EC2::Instance");
    const gateways = ofType("AWS::EC2::NatGateway");
    const isPublic = (subnet: { Ref?: string }) => publicSubnets.some(({ logicalId }) => logicalId === subnet.Ref);

    expect(instances).toHaveLength(egress === "nat-instance" ? natDevices : 0);
    expect(gateways).toHaveLength(egress === "nat-gateway" ? natDevices : 0);
    for (const { Properties } of instances) {
      // The subnets assign none: without it the instance could not install its packages.
      const [card] = Properties.NetworkInterfaces;
      expect(card).toMatchObject({ AssociatePublicIpAddress: true, DeviceIndex: "0" });
      expect(isPublic(card.SubnetId)).toBe(true);
      expect(Properties.SourceDestCheck).toBe(false);
      // With 512 MB the package manager that installs the NAT runs out of memory.
      expect(Properties.InstanceType).not.toMatch(/nano$/);
    }
    for (const { Properties } of gateways) {
      expect(Properties.AllocationId).toBeDefined();
      expect(isPublic(Properties.SubnetId)).toBe(true);
    }
  });

  it("routes compute subnets, and no others, through them", () => {
    const devices = [...ofType("AWS::EC2::Instance"), ...ofType("AWS::EC2::NatGateway")].map(
      ({ logicalId }) => logicalId,
    );
    const routes = ofType("AWS::EC2::Route").filter(({ Properties }) => !Properties.GatewayId);

    expect(routes.every(({ logicalId }) => logicalId.includes("Compute"))).toBe(true);
    expect(
      new Set(routes.map(({ Properties }) => referenceOf(Properties.InstanceId ?? Properties.NatGatewayId))),
    ).toEqual(new Set(devices));
  });

  it("has an endpoint for every service that tasks and functions call, if there is no NAT", () => {
    const services = ofType("AWS::EC2::VPCEndpoint").map(({ Properties }) => JSON.stringify(Properties.ServiceName));
    const interfaces = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs"].map((name) =>
      services.some((service) => service.includes(`.${name}"`)),
    );

    expect(services.some((service) => service.includes(".s3"))).toBe(true);
    expect(services.some((service) => service.includes(".dynamodb"))).toBe(config.managedEdge.enabled);
    expect(interfaces).toEqual(interfaces.map(() => egress === "endpoints"));
    expect(services.some((service) => service.includes(".elasticache"))).toBe(
      egress === "endpoints" && config.rotation.enabled,
    );
  });

  it("needs nothing at deploy that a new account lacks, except the bootstrap stack", () => {
    const parameters = assembly.stacks.flatMap(({ template }) =>
      Object.entries<{ Type: string; Default?: string }>(template.Parameters ?? {}),
    );

    // AWS's public parameters contain the image of the NAT instance; any other one would have to be created by hand.
    for (const [name, { Type, Default }] of parameters) {
      expect([name, Type.startsWith("AWS::SSM::Parameter::Value<")]).toEqual([name, true]);
      expect(Default).toMatch(/^\/(aws\/service|cdk-bootstrap)\//);
    }
  });
});

/** Returns the address ranges of the subnets by name, such as `Compute1`. */
function subnetsOf(fields: unknown): Record<string, string> {
  const subnets = synthesize(fields).ofType("AWS::EC2::Subnet");
  return Object.fromEntries(
    subnets.map(({ logicalId, Properties }) => [/^Vpc([A-Za-z]+\d)/.exec(logicalId)?.[1] ?? "", Properties.CidrBlock]),
  );
}

describe("the address plan", { timeout: 600_000 }, () => {
  it.each(["10.20.0.0/16", "10.20.0.0/19"])("of %s keeps every subnet as zones are added, up to six", (cidr) => {
    const zones = ["use1-az1", "use1-az2", "use1-az3", "use1-az4", "use1-az5", "use1-az6"];
    const plans = [2, 3, 6].map((availabilityZones) => subnetsOf({ network: { cidr, zones, availabilityZones } }));

    expect(plans[1]).toMatchObject(plans[0] ?? {});
    expect(plans[2]).toMatchObject(plans[1] ?? {});
    expect(new Set(Object.values(plans[2] ?? {})).size).toBe(18);
  });

  it("takes names of zones as well as ids", () => {
    const zones = ["us-east-1a", "us-east-1d"];
    const subnets = synthesize({ network: { zones } }).ofType("AWS::EC2::Subnet");

    expect(new Set(subnets.map(({ Properties }) => Properties.AvailabilityZone))).toEqual(new Set(zones));
  });
});
