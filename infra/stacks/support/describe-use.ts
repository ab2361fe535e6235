import { CfnOutput } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../../config/config.ts";
import { busName } from "./bus-name.ts";

/** Adds outputs that say how to use an endpoint. Where there is a user pool, its own stack says how to get a token. */
export function describeUse(
  scope: Construct,
  endpoint: string,
  { auth, region, name }: Pick<EnvironmentConfig, "name" | "auth" | "region">,
): void {
  new CfnOutput(scope, "SmokeTest", {
    value: `npx vezta smoke --url ${endpoint} --bus ${busName(name)} --region ${region}`,
    description: "Connects, subscribes, publishes one event and reports each step",
  });
  if (auth.issuer === undefined) return;
  new CfnOutput(scope, "Token", {
    value: `${auth.issuer} (aud ${auth.audience})`,
    description: "The issuer of valid tokens: get one there, as your clients do",
  });
}
