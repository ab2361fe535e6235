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
import type { EnvironmentConfig } from "../config/config.ts";
import { acknowledge } from "./support/acknowledge.ts";

/** Part of the endpoint's URL. */
const STAGE = "ws";

/** What an access log says of a request. Never its path or headers: the query string and the subprotocol carry tokens. */
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
  /** Runs before `$connect`: whose the connection is, or nobody's. */
  readonly authorizer: IFunction;
  /** `$connect` and `$disconnect`. */
  readonly connection: IFunction;
  /** Everything that a client sends. */
  readonly messages: IFunction;
}

/** The managed edge's API. Made before its functions, which are told where to post; `route` gives it the functions. */
export class RealtimeWebSocketApi extends Construct {
  readonly api: WebSocketApi;
  /** What clients connect to. */
  readonly url: string;
  /** Where functions post to connections. */
  readonly managementUrl: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.api = new WebSocketApi(this, "Api", {
      apiName: Stack.of(this).stackName,
      description: "Realtime channels: the managed edge",
      routeSelectionExpression: "$request.body.event",
    });
    const { region, urlSuffix } = Stack.of(this);
    // Not of the stage: it comes after the routes, and they after the functions that are told this.
    const host = `${this.api.apiId}.execute-api.${region}.${urlSuffix}`;
    this.url = `wss://${host}/${STAGE}`;
    this.managementUrl = `https://${host}/${STAGE}`;
  }

  /** Adds the routes, and the stage that serves them. */
  route(functions: WebSocketRoutes, config: Pick<EnvironmentConfig, "managedEdge" | "logRetentionDays">): void {
    const connection = new WebSocketLambdaIntegration("Connection", functions.connection);
    const messages = new WebSocketLambdaIntegration("Messages", functions.messages);
    const authorizer = new WebSocketLambdaAuthorizer("Authorizer", functions.authorizer, { identitySource: [] });
    const connect = this.api.addRoute("$connect", { integration: connection, authorizer });
    for (const child of this.node.findAll()) {
      // An anonymous client sends neither header nor query: with a source named it would be refused unasked.
      if (child instanceof CfnAuthorizer) child.addPropertyDeletionOverride("IdentitySource");
    }
    const others = [
      this.api.addRoute("$disconnect", { integration: connection }),
      ...["$default", ...requestEvents].map((event) => this.api.addRoute(event, { integration: messages })),
    ];
    for (const route of others) {
      acknowledge(route, { "AwsSolutions-APIG4": "A WebSocket API authorizes its connection, on $connect alone." });
    }
    const stage = this.#createStage(config);
    // A stage deploys what there is, and an API without routes cannot be deployed.
    stage.node.addDependency(connect, ...others);
  }

  /** Lets a function post to connections, and end them. */
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
        [`AwsSolutions-IAM5[Resource::${resource}]`]: "Which connections there are is known only while it runs.",
      });
    }
  }

  #createStage({
    managedEdge,
    logRetentionDays,
  }: Pick<EnvironmentConfig, "managedEdge" | "logRetentionDays">): WebSocketStage {
    const logGroup = new LogGroup(this, "AccessLogs", {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new WebSocketStage(this, "Stage", {
      webSocketApi: this.api,
      stageName: STAGE,
      autoDeploy: true,
      throttle: { rateLimit: managedEdge.requestsPerSecond, burstLimit: managedEdge.requestsPerSecond },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
    if (managedEdge.accountLogRole) stage.node.addDependency(this.#createLogRole());
    return stage;
  }

  /** One for the account and region. It stays when this stack goes: others' logs may have come to depend on it. */
  #createLogRole(): CfnAccount {
    const role = new Role(this, "LogRole", {
      description: "API Gateway of this account and region writes its logs",
      assumedBy: new ServicePrincipal("apigateway.amazonaws.com"),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName("service-role/AmazonAPIGatewayPushToCloudWatchLogs")],
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    acknowledge(role, {
      "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]":
        "AWS's policy for the logs of all APIs of the account, which is what the role is for.",
    });
    const account = new CfnAccount(this, "Account", { cloudWatchRoleArn: role.roleArn });
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return account;
  }
}
