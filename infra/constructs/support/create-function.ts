import { join } from "node:path";
import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IVpc, SecurityGroup } from "aws-cdk-lib/aws-ec2";
import { Architecture, Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, type NodejsFunctionProps } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { bundling, projectRoot } from "./bundling.ts";
import { allowEgress, type Egress } from "./egress.ts";
import { subnetGroups } from "./subnet-groups.ts";

export interface FunctionProps
  extends Pick<
    NodejsFunctionProps,
    "reservedConcurrentExecutions" | "retryAttempts" | "maxEventAge" | "onFailure" | "environment"
  > {
  /** The file that exports `handler`. */
  readonly entry: string;
  readonly description: string;
  readonly timeout: Duration;
  /** In MB; the share of a processor goes with it, a whole one at 1,769. */
  readonly memorySize: number;
  readonly logRetentionDays: number;
  /**
   * The VPC that it is in, for Redis, and what it may reach from there.
   *
   * @default - none: it is outside and reaches AWS and the internet
   */
  readonly network?: { readonly vpc: IVpc; readonly egress: Egress } | undefined;
}

const WRITES_LOGS = "AWSLambdaBasicExecutionRole";
const HAS_NETWORK_INTERFACE = "AWSLambdaVPCAccessExecutionRole";

const managedPolicy = (name: string): string =>
  `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${name}]`;

/** Makes a function of ours as a child of `scope`: bundle, log with an end, and in a VPC a security group of its own. */
export function createFunction(
  scope: Construct,
  { network, logRetentionDays, ...props }: FunctionProps,
): NodejsFunction {
  const lambda = new NodejsFunction(scope, "Function", {
    ...props,
    handler: "handler",
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    projectRoot,
    depsLockFilePath: join(projectRoot, "package-lock.json"),
    bundling,
    logGroup: new LogGroup(scope, "Logs", { retention: logRetentionDays, removalPolicy: RemovalPolicy.DESTROY }),
    ...(network ? placement(scope, network.vpc, props.description) : {}),
  });
  if (network) allowEgress(lambda.connections, network.egress);
  acknowledge(lambda, {
    [managedPolicy(WRITES_LOGS)]: "AWS's policy for writing logs, and no more.",
    ...(network
      ? {
          [managedPolicy(HAS_NETWORK_INTERFACE)]:
            "AWS's policy for a network interface, without which the function cannot be made.",
        }
      : {}),
  });
  return lambda;
}

const placement = (scope: Construct, vpc: IVpc, description: string): NodejsFunctionProps => ({
  vpc,
  vpcSubnets: { subnetGroupName: subnetGroups.compute },
  securityGroups: [new SecurityGroup(scope, "SecurityGroup", { vpc, description, allowAllOutbound: false })],
});
