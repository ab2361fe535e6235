import { requestEvents } from "../../../contract/managed-edge.ts";
import { edgeTable } from "../../../kernel/managed-edge/edge-table.ts";
import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import { mayInvoke } from "./events.ts";
import { handlerOf, programsOf } from "./programs.ts";

/** Returns the function that a URI of API Gateway invokes. */
function invokedBy(model: Model, uri: unknown): Resource | undefined {
  const [, arn] =
    /^arn:aws[\w-]*:apigateway:[\w-]+:lambda:path\/2015-03-31\/functions\/(\$\{[^}]+\})\/invocations$/.exec(
      String(uri),
    ) ?? [];
  return model.target(arn, "AWS::Lambda::Function", "Arn");
}

const apiSource = (model: Model, api: string, path: string): string =>
  `arn:aws:execute-api:${model.config.region}:\${AWS::AccountId}:${api}/${path}`;

function routeFindings(model: Model, route: Resource): Finding[] {
  const p = route.properties;
  const [, id] = /^integrations\/(\$\{[^}]+\})$/.exec(p.Target) ?? [];
  const integration = model.target(id, "AWS::ApiGatewayV2::Integration");
  const lambda = invokedBy(model, integration?.properties.IntegrationUri);
  const isConnection = p.RouteKey === "$connect" || p.RouteKey === "$disconnect";
  const isConnect = p.RouteKey === "$connect";
  return failed(route, {
    "leads to another function than its own":
      lambda && handlerOf(model, lambda) === (isConnection ? "connection" : "messages"),
    "is of another API than its integration": p.ApiId === integration?.properties.ApiId,
    "may not invoke its function":
      lambda &&
      mayInvoke(model, {
        lambda,
        principal: "apigateway.amazonaws.com",
        source: apiSource(model, p.ApiId, `*${p.RouteKey}`),
      }),
    "lets connections in without an authorizer":
      !isConnect || (p.AuthorizationType === "CUSTOM" && model.target(p.AuthorizerId, "AWS::ApiGatewayV2::Authorizer")),
    "asks an authorizer, which only $connect can": isConnect || (p.AuthorizationType ?? "NONE") === "NONE",
  });
}

const apiRule: Rule = (model) =>
  model.ofType("AWS::ApiGatewayV2::Api").flatMap((api) => {
    const routes = model
      .ofType("AWS::ApiGatewayV2::Route")
      .filter(({ properties }) => properties.ApiId === referenceTo(api));
    const keys = routes.map(({ properties }) => properties.RouteKey);
    const expected = ["$connect", "$disconnect", "$default", ...requestEvents];
    return [
      ...failed(api, {
        "has not the routes of the protocol":
          expected.length === keys.length && expected.every((key) => keys.includes(key)),
        "chooses routes by another field than the protocol's":
          api.properties.RouteSelectionExpression === "$request.body.event",
      }),
      ...routes.flatMap((route) => routeFindings(model, route)),
    ];
  });

const authorizerRule: Rule = (model) =>
  model.ofType("AWS::ApiGatewayV2::Authorizer").flatMap((authorizer) => {
    const p = authorizer.properties;
    const lambda = invokedBy(model, p.AuthorizerUri);
    return failed(authorizer, {
      "is another function than the authorizer": lambda && handlerOf(model, lambda) === "authorizer",
      "may not invoke its function":
        lambda &&
        mayInvoke(model, {
          lambda,
          principal: "apigateway.amazonaws.com",
          source: apiSource(model, p.ApiId, `authorizers/${referenceTo(authorizer)}`),
        }),
      "is of no API": model.target(p.ApiId, "AWS::ApiGatewayV2::Api"),
      // An anonymous client sends neither header nor query.
      "refuses anonymous clients": p.IdentitySource === undefined,
    });
  });

/** What an access log must not contain: tokens are in the query string and in the subprotocol. */
const TOKENS = /querystring|\$context\.path|header|protocol(?!l)|authorizer\.(?!error)/i;

function isJson(text: unknown): boolean {
  try {
    return typeof JSON.parse(String(text)) === "object";
  } catch {
    return false;
  }
}

const stageRule: Rule = (model) =>
  model.ofType("AWS::ApiGatewayV2::Stage").flatMap((stage) => {
    const p = stage.properties;
    const { requestsPerSecond } = model.config.managedEdge;
    const users = programsOf(model).filter(({ variables }) => variables.RT_EDGE_MANAGEMENT_URL !== undefined);
    const url = `https://${p.ApiId}.execute-api.${model.config.region}.\${AWS::URLSuffix}/${p.StageName}`;
    const routes = model.ofType("AWS::ApiGatewayV2::Route");
    return [
      ...failed(stage, {
        "is of no API": model.target(p.ApiId, "AWS::ApiGatewayV2::Api"),
        "writes its log nowhere": model.target(p.AccessLogSettings?.DestinationArn, "AWS::Logs::LogGroup", "Arn"),
        "writes a log that is not JSON": isJson(p.AccessLogSettings?.Format),
        "writes tokens to its log": !TOKENS.test(p.AccessLogSettings?.Format),
        "writes a log without the reasons of failures": [
          "$context.status",
          "$context.connectionId",
          "integrationErrorMessage",
        ].every((field) => p.AccessLogSettings?.Format?.includes(field)),
        "has other limits than configured":
          p.DefaultRouteSettings?.ThrottlingRateLimit === requestsPerSecond &&
          p.DefaultRouteSettings?.ThrottlingBurstLimit === requestsPerSecond,
        "is deployed before its routes": routes.every(({ logicalId }) => stage.dependsOn.includes(logicalId)),
      }),
      ...users.flatMap(({ resource, variables }) =>
        failed(resource, { "posts to another address than the stage's": variables.RT_EDGE_MANAGEMENT_URL === url }),
      ),
    ];
  });

/** The keys of the table are those that the code writes. */
const tableRule: Rule = (model) =>
  model.ofType("AWS::DynamoDB::Table").flatMap((table) => {
    const p = table.properties;
    const keys = Object.fromEntries(
      (p.KeySchema ?? []).map((key: { KeyType: string; AttributeName: string }) => [key.KeyType, key.AttributeName]),
    );
    const defined = (p.AttributeDefinitions ?? []).map(
      (attribute: { AttributeName: string; AttributeType: string }) =>
        `${attribute.AttributeName}:${attribute.AttributeType}`,
    );
    const { protection } = model.config;
    const users = programsOf(model).filter(({ variables }) => variables.RT_EDGE_TABLE !== undefined);
    return [
      ...failed(table, {
        "has other keys than the code writes": keys.HASH === edgeTable.partitionKey && keys.RANGE === edgeTable.sortKey,
        "has keys of another type":
          defined.toSorted().join() === [`${edgeTable.partitionKey}:S`, `${edgeTable.sortKey}:S`].toSorted().join(),
        "forgets by another attribute than the code writes":
          p.TimeToLiveSpecification?.AttributeName === edgeTable.timeToLive,
        "is protected otherwise than configured":
          p.DeletionProtectionEnabled === protection &&
          p.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled === protection,
      }),
      ...users.flatMap(({ resource, variables }) =>
        failed(resource, { "uses another table": variables.RT_EDGE_TABLE === referenceTo(table) }),
      ),
    ];
  });

/** The integration of a route has 29 s, and what runs in a batch is bounded by the queue. */
const functionsRule: Rule = (model) =>
  programsOf(model)
    .filter(({ facts }) => facts.entry.includes("managed-edge"))
    .flatMap(({ resource, name, variables }) => {
      const p = resource.properties;
      const [queue] = model
        .ofType("AWS::Lambda::EventSourceMapping")
        .flatMap(({ properties }) => model.target(properties.EventSourceArn, "AWS::SQS::Queue", "Arn") ?? []);
      const needsVpc = variables.RT_REDIS_URL !== undefined;
      return failed(resource, {
        "runs longer than API Gateway waits": p.Timeout >= 10 && p.Timeout < 29,
        "is cut before it is done": !["messages", "fan-out"].includes(name) || p.Timeout >= 25,
        "is not where Redis is, or pays for being there": needsVpc === (p.VpcConfig !== undefined),
        "leaves hints in another queue than it reads":
          name !== "fan-out" || (queue && variables.RT_EDGE_QUEUE_URL === referenceTo(queue)),
        "has too little memory":
          p.MemorySize >= (name === "fan-out" ? 1_769 : 256) && p.MemorySize <= (name === "fan-out" ? 3_008 : 1_024),
        "has another handler than its bundle": p.Handler === "index.handler" && p.Architectures?.[0] === "arm64",
        "names itself otherwise in its log": variables.POWERTOOLS_SERVICE_NAME === `managed-edge-${name}`,
      });
    });

/** API Gateway writes its logs with the role of the account. */
const accountRule: Rule = (model) => {
  const accounts = model.ofType("AWS::ApiGateway::Account");
  const { enabled, accountLogRole } = model.config.managedEdge;
  return [
    ...failed(
      { name: "API Gateway account" },
      { "is not set as configured": accounts.length === (enabled && accountLogRole ? 1 : 0) },
    ),
    ...accounts.flatMap((account) => {
      const role = model.target(account.properties.CloudWatchRoleArn, "AWS::IAM::Role", "Arn");
      const managed: string[] = role?.properties.ManagedPolicyArns ?? [];
      const stages = model.ofType("AWS::ApiGatewayV2::Stage");
      return failed(account, {
        "has a role that may not write logs": managed.some((arn) =>
          arn.endsWith("service-role/AmazonAPIGatewayPushToCloudWatchLogs"),
        ),
        "has a role that API Gateway may not assume": JSON.stringify(
          role?.properties.AssumeRolePolicyDocument,
        ).includes('"apigateway.amazonaws.com"'),
        "is set after the stage that needs it": stages.every(({ dependsOn }) => dependsOn.includes(account.logicalId)),
      });
    }),
  ];
};

/** Nobody else may invoke our functions. */
const permissionsRule: Rule = (model) =>
  model.ofType("AWS::Lambda::Permission").flatMap(({ name, properties: p }) =>
    failed(
      { name },
      {
        "lets anybody invoke a function":
          ["apigateway.amazonaws.com", "events.amazonaws.com", "secretsmanager.amazonaws.com"].includes(p.Principal) &&
          model.references(p.SourceArn).length > 0,
        "is of no function":
          model.target(p.FunctionName, "AWS::Lambda::Function") ??
          model.target(p.FunctionName, "AWS::Lambda::Function", "Arn"),
      },
    ),
  );

/** The rules of the managed edge: route → integration → function, stage, table. */
export const managedEdgeRules: readonly Rule[] = [
  apiRule,
  authorizerRule,
  stageRule,
  tableRule,
  functionsRule,
  accountRule,
  permissionsRule,
];
