import { describe, expect, it } from "vitest";
import { HAND_OVER_AFTER_MS, requestEvents } from "../../contract/managed-edge.ts";
import { REQUEST_BOUND_MS } from "../../kernel/aws/bounded-requests.ts";
import { DAMAGED_STATES, EDGE_METRICS } from "../../kernel/managed-edge/edge-metrics.ts";
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

/** A synth takes seconds, and minutes on a busy machine. */
const LIMIT_MS = 600_000;

/** API Gateway's limit for an integration, in seconds. */
const INTEGRATION_TIMEOUT = 29;

/** The attempts of the fan-out before it closes the connections that block a stream. */
const FAN_OUT_ATTEMPTS = 3;

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

  /** Returns the function that a route invokes. */
  const targetOf = (routeKey: string): string => {
    const integration = routes.get(routeKey)?.Properties.Target["Fn::Join"][1][1].Ref;
    const found = ofType("AWS::ApiGatewayV2::Integration").find(({ logicalId }) => logicalId === integration);
    return JSON.stringify(found?.Properties.IntegrationUri);
  };

  /** Returns the statements of a function's policies. */
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

  it("invokes its authorizer on $connect, also for a client without a token", () => {
    const authorizer = only(synthesis, "AWS::ApiGatewayV2::Authorizer");
    const authorized = [...routes].filter(([, { Properties }]) => Properties.AuthorizationType === "CUSTOM");

    expect(authorized.map(([key]) => key)).toEqual(["$connect"]);
    expect(JSON.stringify(authorizer.Properties.AuthorizerUri)).toContain("authorizerFunction");
    // With an identity source API Gateway itself would refuse a request without it, such as an anonymous one.
    expect(authorizer.Properties).not.toHaveProperty("IdentitySource");
  });

  it("allows API Gateway to invoke each function of a route or the authorizer", () => {
    const called = ofType("AWS::Lambda::Permission")
      .filter(({ Properties }) => Properties.Principal === "apigateway.amazonaws.com")
      .map(({ Properties }) => Properties.FunctionName["Fn::GetAtt"][0].replace(/Function.*/, ""));

    expect(new Set(called)).toEqual(new Set(["authorizer", "connection", "messages"]));
    expect(called).toHaveLength(routes.size + 1);
  });

  it("deploys its stage after its routes, and throttles it", () => {
    const stage = only(synthesis, "AWS::ApiGatewayV2::Stage");

    expect(stage.DependsOn).toEqual(expect.arrayContaining([...routes.values()].map(({ logicalId }) => logicalId)));
    expect(stage.Properties).toMatchObject({
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: config.managedEdge.requestsPerSecond },
    });
  });

  it("logs requests without the fields that can contain a token", () => {
    const { AccessLogSettings, DefaultRouteSettings } = only(synthesis, "AWS::ApiGatewayV2::Stage").Properties;

    expect(Object.keys(JSON.parse(AccessLogSettings.Format))).toContain("requestId");
    expect(AccessLogSettings.Format).not.toMatch(/path|query|header|protocol|\$context\.authorizer\.(?!error)/i);
    // Execution logs would contain whole requests.
    expect(DefaultRouteSettings).not.toHaveProperty("LoggingLevel");
    expect(DefaultRouteSettings).not.toHaveProperty("DataTraceEnabled");
  });

  it("creates the log role of API Gateway before the stage, and retains it, if configured", () => {
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

  it("has the table of the contract, protected in production", () => {
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

  it("keeps hints in a FIFO queue, in the order of each stream, and failed ones in another queue", () => {
    const queues = ofType("AWS::SQS::Queue").filter(({ stack }) => stack.endsWith("-managed-edge"));
    const hints = starting(queues, "Hints").Properties;
    const failures = starting(queues, "Failures").Properties;
    const fanOut = starting(functions, "fanoutFunction").Properties;
    const [source] = ofType("AWS::Lambda::EventSourceMapping").filter(({ stack }) => stack.endsWith("-managed-edge"));

    expect([hints.FifoQueue, failures.FifoQueue]).toEqual([true, true]);
    expect(hints.VisibilityTimeout).toBeGreaterThan(fanOut.Timeout);
    expect(hints.RedrivePolicy.maxReceiveCount).toBeGreaterThan(FAN_OUT_ATTEMPTS);
    expect(source?.Properties).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: config.managedEdge.fanOutConcurrency },
    });
    expect(fanOut.Environment.Variables.RT_EDGE_WINDOW_MS).toBe(String(config.managedEdge.windowMs));
    expect(fanOut.Timeout * 1_000).toBeGreaterThan(2 * config.managedEdge.windowMs);
  });

  it("gives functions the sum of their limits, and abandons a subscription only after their timeout", () => {
    const fanOut = starting(functions, "fanoutFunction").Properties;
    const messages = starting(functions, "messagesFunction").Properties;

    // Posts, then closing unresponsive connections, then the cursors.
    expect(fanOut.Timeout * 1_000).toBeGreaterThan(DELIVERY_BOUND_MS + 2 * REQUEST_BOUND_MS);
    expect(CATCH_UP_BOUND_MS).toBeGreaterThan(messages.Timeout * 1_000);
    expect(CATCH_UP_BOUND_MS).toBeGreaterThan(INTEGRATION_TIMEOUT * 1_000);
  });

  it("answers requests within API Gateway's limit, and hands clients over before it closes their connections", () => {
    const answering = functions.filter(({ logicalId }) => !logicalId.startsWith("fanout"));

    for (const { Properties } of answering) expect(Properties.Timeout).toBeLessThan(INTEGRATION_TIMEOUT);
    expect(HAND_OVER_AFTER_MS).toBeLessThan(2 * 3_600_000);
  });

  it("grants each function what it needs, and no more", () => {
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

  it("gets hints from every publisher, which may send to its queue", () => {
    for (const publisher of publishersOf(synthesis)) {
      expect(JSON.stringify(publisher.Properties.Environment.Variables.RT_EDGE_QUEUE_URL)).toContain("Hints");
      expect(actionsOf(publisher)).toContain("sqs:SendMessage");
    }
  });

  it("has alarms on failed hints, on late hints, on failed requests, and on damaged values", () => {
    const alarms = ofType("AWS::CloudWatch::Alarm").filter(({ stack }) => stack.endsWith("-managed-edge"));

    const names = alarms.map(({ Properties }) => Properties.MetricName).filter((name) => name !== undefined);
    expect(names.toSorted()).toEqual([
      "ApproximateAgeOfOldestMessage",
      "ApproximateNumberOfMessagesVisible",
      "IntegrationError",
    ]);
    const [damaged, ...others] = alarms.filter(({ Properties }) => Properties.Metrics !== undefined);
    expect(others).toEqual([]);
    const counted = damaged?.Properties.Metrics.flatMap(
      ({ MetricStat }: { readonly MetricStat?: { readonly Metric: object } }) =>
        MetricStat ? [MetricStat.Metric] : [],
    );
    expect(counted).toMatchObject(
      ["fanoutFunction", "messagesFunction"].map((start) => ({
        Namespace: EDGE_METRICS.namespace,
        MetricName: DAMAGED_STATES,
        Dimensions: [
          { Name: "FunctionName", Value: { Ref: starting(functions, start).logicalId } },
          { Name: "service", Value: EDGE_METRICS.service },
        ],
      })),
    );
  });
});

describe("an environment without a managed edge", { timeout: LIMIT_MS }, () => {
  it("has none of its resources", () => {
    const synthesis = synthesize(variants.dev);

    expect(synthesis.ofType("AWS::ApiGatewayV2::Api")).toEqual([]);
    expect(synthesis.ofType("AWS::DynamoDB::Table")).toEqual([]);
    for (const publisher of publishersOf(synthesis)) {
      expect(publisher.Properties.Environment.Variables).not.toHaveProperty("RT_EDGE_QUEUE_URL");
    }
  });
});

describe("an environment without gateways", { timeout: LIMIT_MS }, () => {
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
