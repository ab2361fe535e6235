import { RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccessLogFormat, CfnAccount } from "aws-cdk-lib/aws-apigateway";
import { CfnAuthorizer, LogGroupLogDestination, WebSocketApi, WebSocketStage } from "aws-cdk-lib/aws-apigatewayv2";
import { WebSocketLambdaAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { WebSocketLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { requestEvents } from "../../contract/managed-edge.ts";
import { acknowledge } from "./support/acknowledge.ts";

/** Part of the endpoint's URL. */
const STAGE = "ws";

/** The fields of an access log entry. Never path or headers: the query string and the subprotocol carry tokens. */
const LOGGED = {
  requestId: "$context.requestId",
  time: "$context.requestTime",
  eventType: "$context.eventType",
  routeKey: "$context.routeKey",
  status: "$context.status",
  connectionId: "$context.connectionId",
  sourceIp: "$context.identity.sourceIp",
  error: "$context.error.message",
  integrationError: "$context.integrationErrorMessage",
  authorizerError: "$context.authorizer.error",
};

export interface WebSocketRoutes {
  /** Runs before `$connect` and identifies the user, if any. */
  readonly authorizer: IFunction;
  /** Runs on `$connect` and `$disconnect`. */
  readonly connection: IFunction;
  /** Runs on every message of a client. */
  readonly messages: IFunction;
}

export interface WebSocketStageProps {
  /** Requests a second of all clients together, and at once; more are refused. */
  readonly requestsPerSecond: number;
  /** Create the role with which API Gateway writes its logs, once per account and region. */
  readonly accountLogRole: boolean;
  readonly logRetentionDays: number;
}

/** The managed edge's API. Created before its functions, which need its address; `route` connects it to them. */
export class RealtimeWebSocketApi extends Construct {
  readonly api: WebSocketApi;
  /** The URL that clients connect to. */
  readonly url: string;
  /** The URL by which functions post to connections. */
  readonly managementUrl: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.api = new WebSocketApi(this, "Api", {
      apiName: Stack.of(this).stackName,
      description: "Realtime channels: the managed edge",
      routeSelectionExpression: "$request.body.event",
    });
    const { region, urlSuffix } = Stack.of(this);
    // Not from the stage: it depends on the routes, and they on the functions that need this address.
    const host = `${this.api.apiId}.execute-api.${region}.${urlSuffix}`;
    this.url = `wss://${host}/${STAGE}`;
    this.managementUrl = `https://${host}/${STAGE}`;
  }

  /** Adds the routes, and the stage that serves them. */
  route(functions: WebSocketRoutes, props: WebSocketStageProps): void {
    const connection = new WebSocketLambdaIntegration("Connection", functions.connection);
    const messages = new WebSocketLambdaIntegration("Messages", functions.messages);
    const authorizer = new WebSocketLambdaAuthorizer("Authorizer", functions.authorizer, { identitySource: [] });
    const connect = this.api.addRoute("$connect", { integration: connection, authorizer });
    for (const child of this.node.findAll()) {
      // An anonymous client sends neither header nor query: with an identity source API Gateway would refuse it.
      if (child instanceof CfnAuthorizer) child.addPropertyDeletionOverride("IdentitySource");
    }
    const others = [
      this.api.addRoute("$disconnect", { integration: connection }),
      ...["$default", ...requestEvents].map((event) => this.api.addRoute(event, { integration: messages })),
    ];
    for (const route of others) {
      acknowledge(route, { "AwsSolutions-APIG4": "A WebSocket API authorizes its connection, only on $connect." });
    }
    const stage = this.#createStage(props);
    // A stage deploys the routes that exist, and an API without routes cannot be deployed.
    stage.node.addDependency(connect, ...others);
  }

  /** Allows a function to post to connections, and to close them. */
  grantManageConnections(lambda: IFunction): void {
    const stack = Stack.of(this);
    const { partition, region, account } = stack;
    const stage = `arn:${partition}:execute-api:${region}:${account}:${this.api.apiId}/${STAGE}`;
    const methods = ["POST", "DELETE"].map((method) => `${method}/@connections/*`);
    const resources = methods.map((method) => `${stage}/${method}`);
    lambda.addToRolePolicy(new PolicyStatement({ actions: ["execute-api:ManageConnections"], resources }));
    const { Ref: api } = stack.resolve(this.api.apiId);
    for (const method of methods) {
      const resource = `arn:${partition}:execute-api:${region}:<AWS::AccountId>:<${api}>/${STAGE}/${method}`;
      acknowledge(lambda, {
        [`AwsSolutions-IAM5[Resource::${resource}]`]: "Connections are known only at run time.",
      });
    }
  }

  #createStage({ requestsPerSecond, accountLogRole, logRetentionDays }: WebSocketStageProps): WebSocketStage {
    const logGroup = new LogGroup(this, "AccessLogs", {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new WebSocketStage(this, "Stage", {
      webSocketApi: this.api,
      stageName: STAGE,
      autoDeploy: true,
      throttle: { rateLimit: requestsPerSecond, burstLimit: requestsPerSecond },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
    if (accountLogRole) stage.node.addDependency(this.#createLogRole());
    return stage;
  }

  /** Creates the role of the account and region. It outlives this stack: other APIs' logs may depend on it. */
  #createLogRole(): CfnAccount {
    const role = new Role(this, "LogRole", {
      description: "API Gateway of this account and region writes its logs",
      assumedBy: new ServicePrincipal("apigateway.amazonaws.com"),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName("service-role/AmazonAPIGatewayPushToCloudWatchLogs")],
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    acknowledge(role, {
      "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]":
        "AWS's policy for the logs of all APIs of the account: the role's purpose.",
    });
    const account = new CfnAccount(this, "Account", { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return account;
  }
}
