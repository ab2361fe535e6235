import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import { AccountRecovery, FeaturePlan, Mfa, UserPool, UserPoolClient } from "aws-cdk-lib/aws-cognito";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";
import { acknowledge } from "../constructs/support/acknowledge.ts";
import type { TokenIssuer } from "../constructs/support/token-issuer.ts";

export interface AuthStackProps extends StackProps {
  readonly config: Pick<EnvironmentConfig, "protection">;
}

/** A Cognito user pool with one app client, for an environment without an OIDC issuer of its own. */
export class AuthStack extends Stack {
  readonly tokenIssuer: TokenIssuer;

  constructor(scope: Construct, id: string, { config, ...props }: AuthStackProps) {
    super(scope, id, props);
    const pool = new UserPool(this, "Users", {
      featurePlan: FeaturePlan.ESSENTIALS,
      signInAliases: { email: true },
      mfa: Mfa.OPTIONAL,
      mfaSecondFactor: { sms: false, otp: true },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      passwordPolicy: {
        minLength: 12,
        requireDigits: true,
        requireLowercase: true,
        requireUppercase: true,
        requireSymbols: true,
      },
      deletionProtection: config.protection,
      removalPolicy: config.protection ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    acknowledge(pool, {
      "AwsSolutions-COG2": "Traders enable the second factor themselves; requiring it is the product's decision.",
      "AwsSolutions-COG3":
        "Threat protection needs the Plus plan, at $0.02 a user and month; Essentials is free up to 10,000.",
      "AwsSolutions-COG8": "As COG3: the Plus plan is a decision on cost, made where there are users.",
    });
    const client = this.#createClient(pool);
    this.tokenIssuer = {
      issuer: `https://cognito-idp.${this.region}.amazonaws.com/${pool.userPoolId}`,
      audience: client.userPoolClientId,
    };
    this.#describe(pool, client);
  }

  #createClient(userPool: UserPool): UserPoolClient {
    return new UserPoolClient(this, "App", {
      userPool,
      // Only IAM identities of the account can use adminUserPassword; docs/deploying.md gets a first token by it.
      authFlows: { userSrp: true, adminUserPassword: true },
      preventUserExistenceErrors: true,
      // No hosted login page: with one, the client would accept redirects to the address of CDK's example.
      disableOAuth: true,
      accessTokenValidity: Duration.hours(1),
      enableTokenRevocation: true,
    });
  }

  #describe(pool: UserPool, client: UserPoolClient): void {
    new CfnOutput(this, "UserPoolId", { value: pool.userPoolId, description: "The user pool, to create users in" });
    new CfnOutput(this, "Token", {
      value:
        `aws cognito-idp admin-initiate-auth --region ${this.region} --user-pool-id ${pool.userPoolId} ` +
        `--client-id ${client.userPoolClientId} --auth-flow ADMIN_USER_PASSWORD_AUTH ` +
        "--auth-parameters USERNAME=<e-mail>,PASSWORD=<password> --query AuthenticationResult.AccessToken --output text",
      description: "Prints a token of a user that you created, as described in docs/deploying.md",
    });
  }
}
