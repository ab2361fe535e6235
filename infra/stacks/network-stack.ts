import { RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import {
  AmazonLinuxCpuType,
  CfnInstance,
  CfnSubnet,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  InstanceType,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  MachineImage,
  type NatInstanceProviderV2,
  NatProvider,
  NatTrafficDirection,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";
import { isZoneId, PLANNED_ZONES, zonesOf } from "../config/zones.ts";
import { acknowledge } from "../constructs/support/acknowledge.ts";
import { subnetGroups } from "../constructs/support/subnet-groups.ts";

export interface NetworkStackProps extends StackProps {
  readonly config: Pick<
    EnvironmentConfig,
    "region" | "network" | "logRetentionDays" | "managedEdge" | "gateway" | "rotation"
  >;
}

/** The AWS services that tasks and functions call, for a VPC without access to the internet. */
const endpointServices = {
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrDocker: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  SecretsManager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  // For the failure queues of publishers.
  Sqs: InterfaceVpcEndpointAwsService.SQS,
};

/** The service of which gateways ask the health of their targets. */
const gatewayEndpointServices = { LoadBalancing: InterfaceVpcEndpointAwsService.ELASTIC_LOAD_BALANCING };

/** The root volume of Amazon Linux 2023. */
const ENCRYPTED_ROOT: CfnInstance.BlockDeviceMappingProperty = { deviceName: "/dev/xvda", ebs: { encrypted: true } };

/** The VPC: public subnets for load balancer and NAT, private ones for compute, isolated ones for Redis. */
export class NetworkStack extends Stack {
  readonly vpc: Vpc;
  /** The security group of the interface endpoints; undefined with NAT. Consumers allow themselves port 443 to it. */
  readonly endpointSecurityGroup?: SecurityGroup;
  readonly #zones: readonly string[];

  constructor(scope: Construct, id: string, { config, ...props }: NetworkStackProps) {
    super(scope, id, props);
    const { network } = config;
    this.#zones = zonesOf(config.region, network);
    const natInstance = network.egress === "nat-instance" ? createNatInstance() : undefined;
    const isolated = network.egress === "endpoints";
    this.vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr(network.cidr),
      maxAzs: this.#zones.length,
      // Room for every zone that may be added: a subnet that is there keeps its addresses.
      reservedAzs: PLANNED_ZONES - this.#zones.length,
      natGateways: isolated ? 0 : network.natDevices,
      ...(natInstance ? { natGatewayProvider: natInstance } : {}),
      subnetConfiguration: [
        // The largest ones first: in any other order six zones would not fit into a /19.
        {
          name: subnetGroups.compute,
          subnetType: isolated ? SubnetType.PRIVATE_ISOLATED : SubnetType.PRIVATE_WITH_EGRESS,
          cidrMask: 22,
        },
        { name: subnetGroups.public, subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        { name: subnetGroups.data, subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 26 },
      ],
      // Emptying the default group would deploy a function of CDK. Nothing ever uses that group.
      restrictDefaultSecurityGroup: false,
    });
    this.#placeByZoneId();
    // Free, and keeps image layers (in S3) and the managed edge's table off the NAT.
    this.vpc.addGatewayEndpoint("S3", { service: GatewayVpcEndpointAwsService.S3 });
    if (config.managedEdge.enabled) {
      this.vpc.addGatewayEndpoint("DynamoDb", { service: GatewayVpcEndpointAwsService.DYNAMODB });
    }
    this.#logRejectedTraffic(config.logRetentionDays);
    if (natInstance) this.#restrict(natInstance, network.cidr);
    if (isolated) this.endpointSecurityGroup = this.#addEndpoints(config);
  }

  /** From the configuration, so that synth needs no look-up of the zones' names. */
  override get availabilityZones(): string[] {
    return [...this.#zones];
  }

  /** CDK writes what it has into the property for names; CloudFormation takes ids in one of their own, on subnets alone. */
  #placeByZoneId(): void {
    for (const child of this.vpc.node.findAll()) {
      // A NAT instance has the zone of its subnet.
      if (child instanceof CfnInstance) child.availabilityZone = undefined;
      if (!(child instanceof CfnSubnet) || !isZoneId(child.availabilityZone ?? "")) continue;
      child.availabilityZoneId = child.availabilityZone;
      child.availabilityZone = undefined;
    }
  }

  #logRejectedTraffic(retention: number): void {
    const logGroup = new LogGroup(this, "FlowLogs", { retention, removalPolicy: RemovalPolicy.DESTROY });
    this.vpc.addFlowLog("RejectedTraffic", {
      destination: FlowLogDestination.toCloudWatchLogs(logGroup),
      // Accepted traffic is in the load balancer's log, and would be billed by the message here.
      trafficType: FlowLogTrafficType.REJECT,
    });
  }

  #restrict(natInstance: NatInstanceProviderV2, cidr: string): void {
    natInstance.connections.allowFrom(Peer.ipv4(cidr), Port.tcp(443), "HTTPS from the VPC");
    for (const child of this.vpc.node.findAll()) {
      // The provider has no option for volumes and would create unencrypted ones.
      if (child instanceof CfnInstance) child.blockDeviceMappings = [ENCRYPTED_ROOT];
    }
    acknowledge(this.vpc, {
      "AwsSolutions-EC28": "The NAT instance is the cheap choice for a trial; egress nat-gateway is the managed one.",
      "AwsSolutions-EC29": "The NAT instance is stateless: deploying again replaces it.",
    });
  }

  #addEndpoints({ gateway, rotation }: Pick<EnvironmentConfig, "gateway" | "rotation">): SecurityGroup {
    const securityGroup = new SecurityGroup(this, "EndpointsSecurityGroup", {
      vpc: this.vpc,
      description: "AWS services inside the VPC",
      allowAllOutbound: false,
    });
    const services = {
      ...endpointServices,
      ...(gateway.enabled ? gatewayEndpointServices : {}),
      // Rotations alone call ElastiCache's API.
      ...(rotation.enabled ? { ElastiCache: InterfaceVpcEndpointAwsService.ELASTICACHE } : {}),
    };
    for (const [id, service] of Object.entries(services)) {
      this.vpc.addInterfaceEndpoint(id, {
        service,
        open: false,
        securityGroups: [securityGroup],
        subnets: { subnetGroupName: subnetGroups.compute },
      });
    }
    return securityGroup;
  }
}

const createNatInstance = (): NatInstanceProviderV2 =>
  NatProvider.instanceV2({
    // A nano has too little memory for the package manager, which installs the NAT at the first start.
    instanceType: new InstanceType("t4g.micro"),
    machineImage: MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 }),
    defaultAllowedTraffic: NatTrafficDirection.OUTBOUND_ONLY,
    // Its subnet assigns none, and without one the instance cannot reach the internet.
    associatePublicIpAddress: true,
  });
