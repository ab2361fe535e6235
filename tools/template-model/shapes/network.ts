import { any, list, no, one, reference, type Shapes, shape, strict, text, whole, yes } from "./shape.ts";

const rule = {
  IpProtocol: one("tcp"),
  FromPort: whole(1, 65_535),
  ToPort: whole(1, 65_535),
};

/** CDK's rule for a group without egress: to nowhere. */
const nowhere = strict({
  CidrIp: one("255.255.255.255/32"),
  Description: text,
  FromPort: one(252),
  ToPort: one(86),
  IpProtocol: one("icmp"),
});

const https = strict({ ...rule, CidrIp: one("0.0.0.0/0"), Description: text.optional() });

/** A NAT instance forwards whatever comes. */
const everything = strict({ CidrIp: one("0.0.0.0/0"), Description: text.optional(), IpProtocol: one("-1") });

export const networkShapes: Shapes = {
  "AWS::EC2::VPC": shape({
    CidrBlock: text,
    EnableDnsHostnames: yes,
    EnableDnsSupport: yes,
    InstanceTenancy: one("default"),
  }),
  "AWS::EC2::Subnet": shape(
    { CidrBlock: text, VpcId: reference, MapPublicIpOnLaunch: no },
    { AvailabilityZoneId: text, AvailabilityZone: text },
  ),
  "AWS::EC2::RouteTable": shape({ VpcId: reference }),
  "AWS::EC2::SubnetRouteTableAssociation": shape({ RouteTableId: reference, SubnetId: reference }),
  "AWS::EC2::Route": shape(
    { DestinationCidrBlock: one("0.0.0.0/0"), RouteTableId: reference },
    { GatewayId: reference, NatGatewayId: reference, InstanceId: reference },
  ),
  "AWS::EC2::EIP": shape({ Domain: one("vpc") }),
  "AWS::EC2::NatGateway": shape({ AllocationId: reference, SubnetId: reference }),
  "AWS::EC2::InternetGateway": shape({}),
  "AWS::EC2::VPCGatewayAttachment": shape({ InternetGatewayId: reference, VpcId: reference }),
  "AWS::EC2::VPCEndpoint": shape(
    { ServiceName: text, VpcEndpointType: one("Gateway", "Interface"), VpcId: reference },
    {
      RouteTableIds: list(reference),
      PrivateDnsEnabled: yes,
      SecurityGroupIds: list(reference),
      SubnetIds: list(reference),
    },
  ),
  "AWS::EC2::FlowLog": shape({
    DeliverLogsPermissionArn: reference,
    LogDestinationType: one("cloud-watch-logs"),
    LogGroupName: reference,
    ResourceId: reference,
    ResourceType: one("VPC"),
    TrafficType: one("REJECT", "ALL"),
  }),
  "AWS::EC2::SecurityGroup": shape(
    { GroupDescription: text, VpcId: reference },
    {
      SecurityGroupEgress: list(nowhere.or(https).or(everything)),
      SecurityGroupIngress: list(strict({ ...rule, CidrIp: text, Description: text.optional() })),
    },
  ),
  "AWS::EC2::SecurityGroupEgress": shape(
    { ...rule, GroupId: reference, DestinationSecurityGroupId: reference },
    { Description: text },
  ),
  "AWS::EC2::SecurityGroupIngress": shape(
    { ...rule, GroupId: reference },
    { Description: text, SourceSecurityGroupId: reference, SourcePrefixListId: text },
  ),
  "AWS::EC2::Instance": shape(
    {
      // A parameter of AWS, which has the newest image for Graviton.
      ImageId: text.startsWith("${parameter:", "must be the image of AWS's parameter"),
      InstanceType: text.regex(/^t4g\.(micro|small|medium|large)$/, "must be a t4g, which the image is for"),
      NetworkInterfaces: list(
        strict({
          AssociatePublicIpAddress: yes,
          DeviceIndex: one("0"),
          GroupSet: list(reference),
          SubnetId: reference,
        }),
      ),
      SourceDestCheck: no,
      BlockDeviceMappings: list(strict({ DeviceName: one("/dev/xvda"), Ebs: strict({ Encrypted: yes }) })),
      IamInstanceProfile: reference,
      UserData: any,
    },
    { LaunchTemplate: any, MetadataOptions: any },
  ),
  "AWS::EC2::LaunchTemplate": shape({ LaunchTemplateData: any }, { LaunchTemplateName: text, TagSpecifications: any }),
  "AWS::IAM::InstanceProfile": shape({ Roles: list(reference) }),
};
