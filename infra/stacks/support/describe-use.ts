import { CfnOutput } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../../config/config.ts";
import { busName } from "./bus-name.ts";

/** Outputs that say what to do with an endpoint next. Where there is a user pool its own stack says how to get a token. */
export function describeUse(
  scope: Construct,
  endpoint: string,
  { auth, region, ...config }: Pick<EnvironmentConfig, "name" | "auth" | "region">,
): void {
  new CfnOutput(scope, "SmokeTest", {
    value: `npm run smoke -- --url ${endpoint} --bus ${busName(config)} --region ${region}`,
    description: "Connects, subscribes, publishes one event and says what came of it",
  });
  if (auth.issuer === undefined) return;
  new CfnOutput(scope, "Token", {
    value: `${auth.issuer} (aud ${auth.audience})`,
    description: "Whose tokens are valid: get one there, as your clients do",
  });
}
