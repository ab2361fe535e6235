import { change, drop, type Mutation, mutationsOf, propertiesOf, remove, set } from "../mutation.ts";

const prod = mutationsOf("managed edge", "both edges");
const STAGE = "ApiGatewayV2::Stage";
const CONNECT = "ApiGatewayV2::Route/connectRoute[0-9A-F]+$";
const HINTS = "SQS::Queue/Hints";
const MAPPING = "Lambda::EventSourceMapping/fanoutFunction";
const TABLE = "DynamoDB::Table";

const policy = (name: string, part: string, edit: (statement: { Action: unknown; Resource: unknown }) => void) =>
  change(`IAM::Policy/${name}FunctionServiceRole`, ({ Properties }) => {
    for (const statement of Properties.PolicyDocument.Statement)
      if (JSON.stringify(statement.Action).includes(part)) edit(statement);
  });

const api: Readonly<Record<string, Mutation["apply"]>> = {
  "HTTP in place of WebSockets": set("ApiGatewayV2::Api", "ProtocolType", "HTTP"),
  "routes by another field": set("ApiGatewayV2::Api", "RouteSelectionExpression", "$request.body.action"),
  "no authorizer at $connect": drop(CONNECT, "AuthorizerId"),
  "open $connect": set(CONNECT, "AuthorizationType", "NONE"),
  "authorizer at every message": set("ApiGatewayV2::Route/subscribeRoute", "AuthorizationType", "CUSTOM"),
  "$connect to the messages": (t) => {
    propertiesOf(t, "AWS::ApiGatewayV2::Route", /[^s]connectRoute/).Target = propertiesOf(
      t,
      "AWS::ApiGatewayV2::Route",
      /defaultRoute/,
    ).Target;
  },
  "route with a typing mistake": set("ApiGatewayV2::Route/subscribeRoute", "RouteKey", "subscibe"),
  "no route of pings": remove("ApiGatewayV2::Route/pingRoute"),
  "no default route": remove("ApiGatewayV2::Route/defaultRoute"),
  "integration of another function": (t) => {
    propertiesOf(t, "AWS::ApiGatewayV2::Integration", /Messages/).IntegrationUri = propertiesOf(
      t,
      "AWS::ApiGatewayV2::Integration",
      /Connection/,
    ).IntegrationUri;
  },
  "integration without a function": set("ApiGatewayV2::Integration", "IntegrationType", "MOCK"),
  "integration of an old version of the path": set(
    "ApiGatewayV2::Integration",
    "IntegrationUri",
    (uri: { "Fn::Join": [string, unknown[]] }) => ({
      "Fn::Join": [
        "",
        uri["Fn::Join"][1].map((part) => (typeof part === "string" ? part.replace("2015-03-31", "2014-01-01") : part)),
      ],
    }),
  ),
  "messages that may not be invoked": remove("Lambda::Permission/defaultRoute"),
  "permission for another route": set(
    "Lambda::Permission/subscribeRoute",
    "SourceArn",
    (arn: { "Fn::Join": [string, unknown[]] }) => ({
      "Fn::Join": ["", [...arn["Fn::Join"][1].slice(0, -1), "/*ping"]],
    }),
  ),
  "permission for every API": drop("Lambda::Permission/connectRoute", "SourceArn"),
  "authorizer that may not be invoked": remove("Lambda::Permission/Authorizer"),
  "authorizer that refuses anonymous clients": set("ApiGatewayV2::Authorizer", "IdentitySource", [
    "route.request.querystring.token",
  ]),
  "authorizer that is another function": (t) => {
    propertiesOf(t, "AWS::ApiGatewayV2::Authorizer").AuthorizerUri = propertiesOf(
      t,
      "AWS::ApiGatewayV2::Integration",
      /Messages/,
    ).IntegrationUri;
  },
  "stage of another name": set(STAGE, "StageName", "prod"),
  "stage that is not deployed": set(STAGE, "AutoDeploy", false),
  "stage before its routes": change(STAGE, (stage) => {
    stage.DependsOn = [];
  }),
  "tokens in the access log": set(STAGE, "AccessLogSettings.Format", (text: string) =>
    text.replace("$context.requestTime", "$context.identity.user $context.path?$input.params.querystring"),
  ),
  "no access log": drop(STAGE, "AccessLogSettings"),
  "access log nowhere": set(
    STAGE,
    "AccessLogSettings.DestinationArn",
    "arn:aws:logs:us-east-1:111122223333:log-group:other",
  ),
  "no throttling": drop(STAGE, "DefaultRouteSettings"),
  "one request a second": set(STAGE, "DefaultRouteSettings.ThrottlingRateLimit", 1),
  "account role that may not write": set("IAM::Role/WebSocketLogRole", "ManagedPolicyArns", []),
  "account role of another service": set(
    "IAM::Role/WebSocketLogRole",
    "AssumeRolePolicyDocument.Statement.0.Principal.Service",
    "lambda.amazonaws.com",
  ),
  "account role deleted with the stack": change("ApiGateway::Account", (account) => {
    account.DeletionPolicy = "Delete";
  }),
};

const queue: Readonly<Record<string, Mutation["apply"]>> = {
  "hints without order": drop(HINTS, "FifoQueue"),
  "hints one after the other": set(HINTS, "FifoThroughputLimit", "perQueue"),
  "hints deduplicated across streams": set(HINTS, "DeduplicationScope", "queue"),
  "hints given out twice": set(HINTS, "VisibilityTimeout", 10),
  "hints that wait an hour": set(HINTS, "VisibilityTimeout", 3_600),
  "hints that are lost after one attempt": set(HINTS, "RedrivePolicy.maxReceiveCount", 1),
  "no queue of failures": drop(HINTS, "RedrivePolicy"),
  "failures to themselves": set(HINTS, "RedrivePolicy.deadLetterTargetArn", { "Fn::GetAtt": ["HintsC38016DB", "Arn"] }),
  "failures to a standard queue": drop("SQS::Queue/Failures", "FifoQueue"),
  "hints kept for two weeks": set(HINTS, "MessageRetentionPeriod", 1_209_600),
  "hints in clear": set(HINTS, "SqsManagedSseEnabled", false),
  "hints taken without TLS": remove("SQS::QueuePolicy/Hints"),
  "batch above FIFO's": set(MAPPING, "BatchSize", 100),
  "a window on FIFO": set(MAPPING, "MaximumBatchingWindowInSeconds", 5),
  "no partial failures": drop(MAPPING, "FunctionResponseTypes"),
  "no limit on concurrency": drop(MAPPING, "ScalingConfig"),
  "concurrency of one": set(MAPPING, "ScalingConfig.MaximumConcurrency", 1),
  "settings of a stream": set(MAPPING, "StartingPosition", "LATEST"),
  "mapping that is off": set(MAPPING, "Enabled", false),
  "failures read in place of hints": set(MAPPING, "EventSourceArn", { "Fn::GetAtt": ["Failures8A3E1A2F", "Arn"] }),
  "table with other keys": set(TABLE, "KeySchema.0.AttributeName", "id"),
  "table without a sort key": drop(TABLE, "KeySchema.1"),
  "table with a key of numbers": set(TABLE, "AttributeDefinitions.1.AttributeType", "N"),
  "table that forgets by another attribute": set(TABLE, "TimeToLiveSpecification.AttributeName", "ttl"),
  "table that forgets nothing": set(TABLE, "TimeToLiveSpecification.Enabled", false),
  "table without protection": set(TABLE, "DeletionProtectionEnabled", false),
  "table of provisioned capacity": set(TABLE, "BillingMode", "PROVISIONED"),
};

const variable = (name: string, value: unknown, lambda = "messages") =>
  set(`Lambda::Function/${lambda}Function`, `Environment.Variables.${name}`, value);

const functions: Readonly<Record<string, Mutation["apply"]>> = {
  "user of the publishers": variable("RT_REDIS_USERNAME", "publisher"),
  "another table": variable("RT_EDGE_TABLE", "connections"),
  "posts to another stage": variable("RT_EDGE_MANAGEMENT_URL", (url: { "Fn::Join": [string, unknown[]] }) => ({
    "Fn::Join": ["", [...url["Fn::Join"][1].slice(0, -1), "/prod"]],
  })),
  "posts to the wss address": variable("RT_EDGE_MANAGEMENT_URL", (url: { "Fn::Join": [string, unknown[]] }) => ({
    "Fn::Join": ["", ["wss://", ...url["Fn::Join"][1].slice(1)]],
  })),
  "another issuer": variable("RT_AUTH_ISSUER", "https://issuer.example.com", "authorizer"),
  "another audience": variable("RT_AUTH_AUDIENCE", "other"),
  "no issuer": change("Lambda::Function/authorizerFunction", ({ Properties }) => {
    delete Properties.Environment.Variables.RT_AUTH_ISSUER;
  }),
  "a window longer than the maximum": variable("RT_EDGE_WINDOW_MS", "60000", "fanout"),
  "rest of a room to nowhere": variable(
    "RT_EDGE_QUEUE_URL",
    "https://sqs.us-east-1.amazonaws.com/111122223333/other",
    "fanout",
  ),
  "a variable that nobody reads": variable("RT_FAN_OUT_WINDOW_MS", "10", "fanout"),
  "runs longer than API Gateway waits": set("Lambda::Function/messagesFunction", "Timeout", 60),
  "is cut after 5 s": set("Lambda::Function/fanoutFunction", "Timeout", 5),
  "runs on a tenth of a processor": set("Lambda::Function/fanoutFunction", "MemorySize", 128),
  "outside the VPC": drop("Lambda::Function/messagesFunction", "VpcConfig"),
  "may not post": policy("messages", "execute-api", (statement) => {
    statement.Action = "execute-api:Invoke";
  }),
  "may post but not close": policy("fanout", "execute-api", (statement) => {
    statement.Resource = (statement.Resource as unknown[])[1];
  }),
  "may not query": policy("connection", "dynamodb", (statement) => {
    statement.Action = (statement.Action as string[]).filter((action) => action !== "dynamodb:Query");
  }),
  "may use another table": policy("messages", "dynamodb", (statement) => {
    statement.Resource = "arn:aws:dynamodb:us-east-1:111122223333:table/other";
  }),
  "may do all with tables": policy("connection", "dynamodb", (statement) => {
    statement.Action = "dynamodb:*";
  }),
  "may not read hints": policy("fanout", "sqs:ReceiveMessage", (statement) => {
    statement.Action = ["sqs:SendMessage"];
  }),
  "may not read its secret": policy("messages", "secretsmanager", (statement) => {
    statement.Resource = "arn:aws:secretsmanager:us-east-1:111122223333:secret:other";
  }),
};

/** Mistakes in API Gateway, the queue of hints, the table and the functions around them. */
export const managedEdgeMutations: readonly Mutation[] = [...prod(api), ...prod(queue), ...prod(functions)];
