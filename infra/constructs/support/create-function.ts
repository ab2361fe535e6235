import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import { Architecture, Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction, type NodejsFunctionProps } from "aws-cdk-lib/aws-lambda-nodejs";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { bundling } from "./bundling.ts";
import { type FunctionNetwork, securityGroupFor } from "./function-network.ts";

/** The code of a function, in whichever repository it is. */
export interface FunctionCode {
  /** The file that exports `handler`, as an absolute path or relative to the working directory of `cdk`. */
  readonly entry: string;
  /**
   * The lock file of the repository that `entry` belongs to.
   *
   * @default - the nearest lock file (npm, pnpm, Yarn, Bun) in or above the working directory of `cdk`
   */
  readonly depsLockFilePath?: string | undefined;
  /**
   * The folder that contains `entry` and the packages it imports.
   *
   * @default - the folder of the lock file
   */
  readonly projectRoot?: string | undefined;
}

export interface FunctionProps
  extends FunctionCode,
    Pick<
      NodejsFunctionProps,
      "reservedConcurrentExecutions" | "retryAttempts" | "maxEventAge" | "onFailure" | "environment"
    > {
  readonly description: string;
  readonly timeout: Duration;
  /** In MB; the share of a processor grows with it, a whole one at 1,769. */
  readonly memorySize: number;
  readonly logRetentionDays: number;
  /**
   * The part of a VPC in which the function runs, to reach Redis.
   *
   * @default - outside any VPC, with access to AWS and the internet
   */
  readonly network?: FunctionNetwork | undefined;
}

const WRITES_LOGS = "AWSLambdaBasicExecutionRole";
const HAS_NETWORK_INTERFACE = "AWSLambdaVPCAccessExecutionRole";

const managedPolicy = (name: string): string =>
  `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${name}]`;

/** Creates a function as a child of `scope`: bundled, with a log that expires and, in a VPC, a security group. */
export function createFunction(
  scope: Construct,
  { network, logRetentionDays, ...props }: FunctionProps,
): NodejsFunction {
  const lambda = new NodejsFunction(scope, "Function", {
    ...props,
    handler: "handler",
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    bundling,
    logGroup: new LogGroup(scope, "Logs", { retention: logRetentionDays, removalPolicy: RemovalPolicy.DESTROY }),
    ...(network ? placement(scope, network, props.description) : {}),
  });
  acknowledge(lambda, {
    [managedPolicy(WRITES_LOGS)]: "AWS's policy for writing logs, and no more.",
    ...(network
      ? {
          [managedPolicy(HAS_NETWORK_INTERFACE)]:
            "AWS's policy for a network interface, without which the function cannot be created.",
        }
      : {}),
  });
  return lambda;
}

const placement = (scope: Construct, network: FunctionNetwork, description: string): NodejsFunctionProps => ({
  vpc: network.vpc,
  vpcSubnets: network.subnets,
  securityGroups: [securityGroupFor(scope, network, description)],
});
