import { type ISecurityGroup, type IVpc, SecurityGroup, type SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import { allowEgress, type Egress } from "./egress.ts";

interface FunctionSubnets {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
}

/** Each function gets a security group of its own, which may reach what `egress` lists. */
interface OwnSecurityGroup extends FunctionSubnets {
  readonly egress: Egress;
}

/** Functions share a security group, whose owner has opened the paths it needs. */
interface SharedSecurityGroup extends FunctionSubnets {
  readonly securityGroup: ISecurityGroup;
}

/** Network of functions in a VPC: the place they run in, and the targets that they may reach from there. */
export type FunctionNetwork = OwnSecurityGroup | SharedSecurityGroup;

/** Returns the security group for a function: the shared one, or a new child of `scope`. */
export function securityGroupFor(scope: Construct, network: FunctionNetwork, description: string): ISecurityGroup {
  if ("securityGroup" in network) return network.securityGroup;
  const { vpc, egress } = network;
  const securityGroup = new SecurityGroup(scope, "SecurityGroup", { vpc, description, allowAllOutbound: false });
  allowEgress(securityGroup.connections, egress);
  return securityGroup;
}
