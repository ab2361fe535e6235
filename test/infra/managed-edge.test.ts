import { describe, expect, it } from "vitest";
import { HAND_OVER_AFTER_MS, requestEvents } from "../../contract/managed-edge.ts";
import { REQUEST_BOUND_MS } from "../../kernel/aws/bounded-requests.ts";
import { edgeTable } from "../../kernel/managed-edge/edge-table.ts";
import { DELIVERY_BOUND_MS } from "../../lambdas/managed-edge/fan-out/fan-out.ts";
import { CATCH_UP_BOUND_MS } from "../../lambdas/managed-edge/table/room-subscribers.ts";
import {
  edgeFunctionsOf,
  managedEdgeVariants,
  only,
  publishersOf,
  type Resource,
  synthesize,
  variants,
} from "./synthesize.ts";

/** API Gateway's own limit for the time that a function may take, in seconds. */
const INTEGRATION_TIMEOUT = 29;

/** How often the fan-out tries before it closes the connections that hold a stream up. */
const FAN_OUT_PATIENCE = 3;

const starting = (resources: readonly Resource[], start: string): Resource => {
  const found = resources.filter(({ logicalId }) => logicalId.startsWith(start));
  expect(found.map(({ logicalId }) => logicalId)).toHaveLength(1);
  return found[0] ?? expect.unreachable();
};

describe.each(managedEdgeVariants)("the managed edge of %s", (_name, fields) => {
  const synthesis = synthesize(fields);
  const { config, ofType } = synthesis;
  const functions = edgeFunctionsOf(synthesis);
  const routes = new Map(ofType("AWS::ApiGatewayV2::Route").map((route) => [route.Properties.RouteKey, route]));

  /** The function that a route ends at. */
  const targetOf = (routeKey: string): string => {
    const integration = routes.get(routeKey)?.Properties.Target["Fn::Join"][1][1].Ref;
    const found = ofType("AWS::ApiGatewayV2::Integration").find(({ logicalId }) => logicalId === integration);
    return JSON.stringify(found?.Properties.IntegrationUri);
  };

  /** What the policies of a function allow, as "action on resource". */
  const allowedTo = ({ Properties }: Resource) => {
    const role = Properties.Role["Fn::GetAtt"][0];
    const policies = ofType("AWS::IAM::Policy").filter(({ Properties: { Roles } }) => Roles[0].Ref === role);
    return policies.flatMap(({ Properties: { PolicyDocument } }) => PolicyDocument.Statement);
  };
  const actionsOf = (lambda: Resource): string[] =>
    allowedTo(lambda)
      .flatMap(({ Action }) => Action)
      .toSorted();

  it("has a route for every message of the contract, by the message's event", () => {
    expect(only(synthesis, "AWS::ApiGatewayV2::Api").Properties.RouteSelectionExpression).toBe("$request.body.event");
    expect([...routes.keys()].toSorted()).toEqual(["$connect", "$disconnect", "$default", ...requestEvents].toSorted());
    for (const event of ["$connect", "$disconnect"]) expect(targetOf(event)).toContain("connectionFunction");
    for (const event of ["$default", ...requestEvents]) expect(targetOf(event)).toContain("messagesFunction");
  });

  it("asks its authorizer on $connect, also for a client that shows nothing", () => {
    const authorizer = only(synthesis, "AWS::ApiGatewayV2::Authorizer");
    const authorized = [...routes].filter(([, { Properties }]) => Properties.AuthorizationType === "CUSTOM");

    expect(authorized.map(([key]) => key)).toEqual(["$connect"]);
    expect(JSON.stringify(authorizer.Properties.AuthorizerUri)).toContain("authorizerFunction");
    // API Gateway refuses a request without a named source by itself, and an anonymous one has none.
    expect(authorizer.Properties).not.toHaveProperty("IdentitySource");
  });

  it("lets API Gateway call each function that a route or the authorizer names", () => {
    const called = ofType("AWS::Lambda::Permission")
      .filter(({ Properties }) => Properties.Principal === "apigateway.amazonaws.com")
      .map(({ Properties }) => Properties.FunctionName["Fn::GetAtt"][0].replace(/Function.*/, ""));

    expect(new Set(called)).toEqual(new Set(["authorizer", "connection", "messages"]));
    expect(called).toHaveLength(routes.size + 1);
  });

  it("deploys its stage after its routes, and bounds what it takes", () => {
    const stage = only(synthesis, "AWS::ApiGatewayV2::Stage");

    expect(stage.DependsOn).toEqual(expect.arrayContaining([...routes.values()].map(({ logicalId }) => logicalId)));
    expect(stage.Properties).toMatchObject({
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: config.managedEdge.requestsPerSecond },
    });
  });

  it("logs requests without anything that may hold a token", () => {
    const { AccessLogSettings, DefaultRouteSettings } = only(synthesis, "AWS::ApiGatewayV2::Stage").Properties;

    expect(Object.keys(JSON.parse(AccessLogSettings.Format))).toContain("requestId");
    expect(AccessLogSettings.Format).not.toMatch(/path|query|header|protocol|\$context\.authorizer\.(?!error)/i);
    // Execution logs would have whole requests.
    expect(DefaultRouteSettings).not.toHaveProperty("LoggingLevel");
    expect(DefaultRouteSettings).not.toHaveProperty("DataTraceEnabled");
  });

  it("gives API Gateway a role for logs before the stage, and leaves it behind, where asked to", () => {
    const accounts = ofType("AWS::ApiGateway::Account");
    const stage = only(synthesis, "AWS::ApiGatewayV2::Stage");

    expect(accounts).toHaveLength(config.managedEdge.accountLogRole ? 1 : 0);
    for (const { logicalId, DeletionPolicy } of accounts) {
      expect(stage.DependsOn).toContain(logicalId);
      expect(DeletionPolicy).toBe("Retain");
    }
    const roles = ofType("AWS::IAM::Role").filter(({ logicalId }) => logicalId.includes("LogRole"));
    expect(roles.map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(accounts.map(() => "Retain"));
  });

  it("has the table that the contract describes, guarded in production", () => {
    const { Properties } = only(synthesis, "AWS::DynamoDB::Table");

    expect(Properties.KeySchema).toEqual([
      { AttributeName: edgeTable.partitionKey, KeyType: "HASH" },
      { AttributeName: edgeTable.sortKey, KeyType: "RANGE" },
    ]);
    expect(Properties.TimeToLiveSpecification).toEqual({ AttributeName: edgeTable.timeToLive, Enabled: true });
    expect(Properties.BillingMode).toBe("PAY_PER_REQUEST");
    expect(Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(config.protection);
    expect(Properties.DeletionProtectionEnabled).toBe(config.protection);
  });

  it("keeps the order of a stream in a FIFO queue, and what failed in another one", () => {
    const queues = ofType("AWS::SQS::Queue").filter(({ stack }) => stack.endsWith("-managed-edge"));
    const hints = starting(queues, "Hints").Properties;
    const failures = starting(queues, "Failures").Properties;
    const fanOut = starting(functions, "fanoutFunction").Properties;
    const [source] = ofType("AWS::Lambda::EventSourceMapping").filter(({ stack }) => stack.endsWith("-managed-edge"));

    expect([hints.FifoQueue, failures.FifoQueue]).toEqual([true, true]);
    expect(hints.VisibilityTimeout).toBeGreaterThan(fanOut.Timeout);
    expect(hints.RedrivePolicy.maxReceiveCount).toBeGreaterThan(FAN_OUT_PATIENCE);
    expect(source?.Properties).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: config.managedEdge.fanOutConcurrency },
    });
    expect(fanOut.Environment.Variables.RT_EDGE_WINDOW_MS).toBe(String(config.managedEdge.windowMs));
    expect(fanOut.Timeout * 1_000).toBeGreaterThan(2 * config.managedEdge.windowMs);
  });

  it("gives functions the time that their bounds add up to, and abandons a subscription only when they have ended", () => {
    const fanOut = starting(functions, "fanoutFunction").Properties;
    const messages = starting(functions, "messagesFunction").Properties;

    // Posts, then the end of connections that were silent, then the cursors.
    expect(fanOut.Timeout * 1_000).toBeGreaterThan(DELIVERY_BOUND_MS + 2 * REQUEST_BOUND_MS);
    expect(CATCH_UP_BOUND_MS).toBeGreaterThan(messages.Timeout * 1_000);
    expect(CATCH_UP_BOUND_MS).toBeGreaterThan(INTEGRATION_TIMEOUT * 1_000);
  });

  it("answers requests before API Gateway gives up, and lets clients go before it cuts them", () => {
    const answering = functions.filter(({ logicalId }) => !logicalId.startsWith("fanout"));

    for (const { Properties } of answering) expect(Properties.Timeout).toBeLessThan(INTEGRATION_TIMEOUT);
    expect(HAND_OVER_AFTER_MS).toBeLessThan(2 * 3_600_000);
  });

  it("allows each function what it does, and no more", () => {
    const table = ["BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"].map(
      (action) => `dynamodb:${action}`,
    );
    const withRedis = [
      "execute-api:ManageConnections",
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
    ];
    const take = ["ChangeMessageVisibility", "DeleteMessage", "ReceiveMessage"].map((action) => `sqs:${action}`);
    const send = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"];

    expect(actionsOf(starting(functions, "authorizerFunction"))).toEqual([]);
    expect(actionsOf(starting(functions, "connectionFunction"))).toEqual(table);
    expect(actionsOf(starting(functions, "messagesFunction"))).toEqual([...table, ...withRedis]);
    expect(new Set(actionsOf(starting(functions, "fanoutFunction")))).toEqual(
      new Set([...table, ...withRedis, ...take, ...send]),
    );
    for (const lambda of functions) {
      const wide = allowedTo(lambda).filter(({ Resource: resource }) => JSON.stringify(resource).includes('"*"'));
      expect(wide).toEqual([]);
    }
  });

  it("reads the password of its own Redis user", () => {
    for (const start of ["messagesFunction", "fanoutFunction"]) {
      const lambda = starting(functions, start);
      expect(lambda.Properties.Environment.Variables.RT_REDIS_USERNAME).toBe("managed-edge");
      expect(JSON.stringify(lambda.Properties.Environment.Variables.RT_REDIS_SECRET_ARN)).toContain("managededge");
      expect(JSON.stringify(allowedTo(lambda))).not.toMatch(/gatewayPassword|publisherPassword/);
    }
  });

  it("is told of news by every publisher, which may send to its queue", () => {
    for (const publisher of publishersOf(synthesis)) {
      expect(JSON.stringify(publisher.Properties.Environment.Variables.RT_EDGE_QUEUE_URL)).toContain("Hints");
      expect(actionsOf(publisher)).toContain("sqs:SendMessage");
    }
  });

  it("tells someone when news fail or are late, and when requests fail", () => {
    const alarms = ofType("AWS::CloudWatch::Alarm").filter(({ stack }) => stack.endsWith("-managed-edge"));

    expect(alarms.map(({ Properties }) => Properties.MetricName).toSorted()).toEqual([
      "ApproximateAgeOfOldestMessage",
      "ApproximateNumberOfMessagesVisible",
      "IntegrationError",
    ]);
  });
});

describe("an environment without a managed edge", () => {
  it("has nothing of it", () => {
    const synthesis = synthesize(variants.dev);

    expect(synthesis.ofType("AWS::ApiGatewayV2::Api")).toEqual([]);
    expect(synthesis.ofType("AWS::DynamoDB::Table")).toEqual([]);
    for (const publisher of publishersOf(synthesis)) {
      expect(publisher.Properties.Environment.Variables).not.toHaveProperty("RT_EDGE_QUEUE_URL");
    }
  });
});

describe("an environment without gateways", () => {
  it("has neither tasks nor a load balancer", () => {
    const synthesis = synthesize(variants["the managed edge alone"]);

    for (const type of [
      "AWS::ECS::Service",
      "AWS::ElasticLoadBalancingV2::LoadBalancer",
      "AWS::CloudFront::Distribution",
    ]) {
      expect(synthesis.ofType(type)).toEqual([]);
    }
    expect(synthesis.dockerImages()).toEqual([]);
  });
});
