import { change, drop, find, type Mutation, mutationsOf, propertiesOf, remove, set } from "../mutation.ts";

const nat = mutationsOf("network", "both edges");
const isolated = mutationsOf("network", "no internet access");
const trial = mutationsOf("network", "dev");

/** Mistakes in addresses, zones, routes, endpoints and security groups. */
export const networkMutations: readonly Mutation[] = [
  ...nat({
    "VPC without DNS": set("EC2::VPC", "EnableDnsSupport", false),
    "VPC without names": set("EC2::VPC", "EnableDnsHostnames", false),
    "VPC on dedicated hardware": set("EC2::VPC", "InstanceTenancy", "dedicated"),
    "VPC with other addresses": set("EC2::VPC", "CidrBlock", "10.30.0.0/16"),
    "subnet outside the VPC": set("EC2::Subnet/Compute", "CidrBlock", "10.40.0.0/22"),
    "subnet that overlaps": set("EC2::Subnet/ComputeSubnet2", "CidrBlock", "10.20.2.0/23"),
    "two subnets in one zone": (t) => {
      propertiesOf(t, "AWS::EC2::Subnet", /ComputeSubnet2/).AvailabilityZoneId = propertiesOf(
        t,
        "AWS::EC2::Subnet",
        /ComputeSubnet1/,
      ).AvailabilityZoneId;
    },
    "zone without ARM64 Fargate": set("EC2::Subnet/ComputeSubnet1", "AvailabilityZoneId", "use1-az3"),
    "public addresses for whatever starts": set("EC2::Subnet/Public", "MapPublicIpOnLaunch", true),
    "no route out of a compute subnet": remove("EC2::Route/ComputeSubnet1"),
    "route through a NAT that is gone": remove("EC2::NatGateway"),
    "NAT in a private subnet": (t) => {
      const [{ id = "" } = {}] = find(t, "AWS::EC2::Subnet", /ComputeSubnet1/);
      propertiesOf(t, "AWS::EC2::NatGateway").SubnetId = { Ref: id };
    },
    "compute routed to the internet gateway": (t) => {
      const properties = propertiesOf(t, "AWS::EC2::Route", /ComputeSubnet1/);
      delete properties.NatGatewayId;
      properties.GatewayId = propertiesOf(t, "AWS::EC2::Route", /PublicSubnet1/).GatewayId;
    },
    "data subnets with a way out": (t) => {
      const table = propertiesOf(t, "AWS::EC2::SubnetRouteTableAssociation", /DataSubnet1/);
      table.RouteTableId = propertiesOf(t, "AWS::EC2::SubnetRouteTableAssociation", /ComputeSubnet1/).RouteTableId;
    },
    "route to a wrong range": set("EC2::Route/ComputeSubnet1", "DestinationCidrBlock", "10.0.0.0/8"),
    "subnet without a route table": remove("EC2::SubnetRouteTableAssociation/ComputeSubnet2"),
    "internet gateway not attached": remove("EC2::VPCGatewayAttachment"),
    "all zones through one NAT": (t) => {
      propertiesOf(t, "AWS::EC2::Route", /ComputeSubnet2/).NatGatewayId = propertiesOf(
        t,
        "AWS::EC2::Route",
        /ComputeSubnet1/,
      ).NatGatewayId;
    },
    "two NATs with one address": (t) => {
      propertiesOf(t, "AWS::EC2::NatGateway", /Subnet2/).AllocationId = propertiesOf(
        t,
        "AWS::EC2::NatGateway",
        /Subnet1/,
      ).AllocationId;
    },
    "flow log of nothing rejected": set("EC2::FlowLog", "TrafficType", "ACCEPT"),
    "flow log without its role": set(
      "EC2::FlowLog",
      "DeliverLogsPermissionArn",
      "arn:aws:iam::111122223333:role/other",
    ),
    "flow log that may not write": set("IAM::Policy/RejectedTraffic", "PolicyDocument.Statement.0.Action", [
      "logs:DescribeLogStreams",
    ]),
    "S3 endpoint in half of the tables": set("EC2::VPCEndpoint/S3", "RouteTableIds", (ids: unknown[]) =>
      ids.slice(0, 2),
    ),
    "endpoint of another service": set("EC2::VPCEndpoint/DynamoDb", "ServiceName", "com.amazonaws.us-east-1.dynamo"),
    "no S3 endpoint": remove("EC2::VPCEndpoint/S3"),
    "egress to Redis missing": remove("EC2::SecurityGroupEgress/ordersSecurityGroup"),
    "ingress to Redis missing": remove("EC2::SecurityGroupIngress/fanoutSecurityGroup"),
    "Redis rule on another port": set("EC2::SecurityGroupIngress/signalsSecurityGroup", "FromPort", 6380),
    "Redis open to a range of ports": set("EC2::SecurityGroupIngress/signalsSecurityGroup", "ToPort", 6400),
    "UDP in place of TCP": set("EC2::SecurityGroupEgress/ordersSecurityGroup", "IpProtocol", "udp"),
    "Redis open to the internet": (t) => {
      const [{ resource } = {}] = find(t, "AWS::EC2::SecurityGroup", /^SecurityGroup/);
      if (resource)
        resource.Properties.SecurityGroupIngress = [
          { IpProtocol: "tcp", CidrIp: "0.0.0.0/0", FromPort: 6379, ToPort: 6379 },
        ];
    },
    "a function that may leave for anywhere": set("EC2::SecurityGroup/ordersSecurityGroup", "SecurityGroupEgress", [
      { CidrIp: "0.0.0.0/0", IpProtocol: "-1" },
    ]),
    "a function that cannot reach AWS": drop("EC2::SecurityGroup/portfolioSecurityGroup", "SecurityGroupEgress"),
    "HTTPS egress on another port": set(
      "EC2::SecurityGroup/portfolioSecurityGroup",
      "SecurityGroupEgress.0.FromPort",
      444,
    ),
    "a group in another VPC": set("EC2::SecurityGroup/portfolioSecurityGroup", "VpcId", "vpc-0123"),
    "tasks reachable by functions": set(
      "EC2::SecurityGroupIngress/GatewaySecurityGroupfrom",
      "SourceSecurityGroupId",
      (_: unknown, t: never) => {
        const [{ id = "" } = {}] = find(t, "AWS::EC2::SecurityGroup", /^GatewaySecurityGroup/);
        return { "Fn::GetAtt": [id, "GroupId"] };
      },
    ),
  }),
  ...isolated({
    "endpoint without a private name": set("EC2::VPCEndpoint/SecretsManager", "PrivateDnsEnabled", false),
    "no endpoint for secrets": remove("EC2::VPCEndpoint/SecretsManager"),
    "no endpoint for the health of targets": remove("EC2::VPCEndpoint/LoadBalancing"),
    "no endpoint for rotations": remove("EC2::VPCEndpoint/ElastiCache"),
    "no endpoint for images": remove("EC2::VPCEndpoint/EcrDocker"),
    "no endpoint for queues": remove("EC2::VPCEndpoint/Sqs"),
    "endpoint in one zone": set("EC2::VPCEndpoint/Logs", "SubnetIds", (ids: unknown[]) => ids.slice(0, 1)),
    "endpoint behind a closed group": (t) => {
      for (const { resource } of find(t, "AWS::EC2::SecurityGroupIngress"))
        if (resource.Properties.FromPort === 443) resource.Properties.FromPort = 80;
    },
    "endpoint of the wrong kind": set("EC2::VPCEndpoint/Logs", "VpcEndpointType", "Gateway"),
  }),
  ...trial({
    "NAT instance that drops what it forwards": set("EC2::Instance", "SourceDestCheck", true),
    "NAT instance without an address": set("EC2::Instance", "NetworkInterfaces.0.AssociatePublicIpAddress", false),
    "NAT instance too small to start": set("EC2::Instance", "InstanceType", "t4g.nano"),
    "NAT instance of another architecture": set("EC2::Instance", "InstanceType", "t3.micro"),
    "NAT instance with an open disk": set("EC2::Instance", "BlockDeviceMappings.0.Ebs.Encrypted", false),
    "NAT instance open to the internet": (t) => {
      for (const { resource } of find(t, "AWS::EC2::SecurityGroup"))
        for (const rule of resource.Properties.SecurityGroupIngress ?? [])
          if (rule.FromPort === 443) rule.CidrIp = "0.0.0.0/0";
    },
    "flow log kept for ever": change("Logs::LogGroup/FlowLogs", (group) => {
      delete group.Properties.RetentionInDays;
    }),
  }),
];
