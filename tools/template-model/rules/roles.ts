import { type Finding, failed, type Model, type Resource, type Rule, referenceTo } from "../model.ts";
import { asList, isTrusted, lacking, type Need, statementsOf } from "./policies.ts";
import { gatewayContainerOf, isOfCdk, type Program, programsOf } from "./programs.ts";

const arnOfQueue = (model: Model, url: string | undefined): string[] => {
  const queue = model.target(url, "AWS::SQS::Queue");
  return queue ? [referenceTo(queue, "Arn")] : [];
};

/** Returns the resources of a service that a program's variables name. */
function resourcesOf(model: Model, service: string, { variables }: Program): string[] {
  const { region } = model.config;
  switch (service) {
    case "secretsmanager":
      return variables.RT_REDIS_SECRET_ARN === undefined ? [] : [variables.RT_REDIS_SECRET_ARN];
    case "sqs":
      return [variables.RT_EDGE_QUEUE_URL, variables.RT_FAILURE_QUEUE_URL].flatMap((url) => arnOfQueue(model, url));
    case "dynamodb": {
      const table = model.target(variables.RT_EDGE_TABLE, "AWS::DynamoDB::Table");
      return table ? [referenceTo(table, "Arn")] : [];
    }
    case "execute-api": {
      const [, api, stage] =
        /^https:\/\/(\$\{[^}]+\})\.execute-api\..*\/(\w+)$/.exec(variables.RT_EDGE_MANAGEMENT_URL ?? "") ?? [];
      return ["POST", "DELETE"].map(
        (method) => `arn:aws:execute-api:${region}:\${AWS::AccountId}:${api}/${stage}/${method}/@connections/*`,
      );
    }
    case "elasticache":
      return variables.RT_REDIS_USER_ID === undefined
        ? []
        : [`arn:aws:elasticache:${region}:\${AWS::AccountId}:user:${variables.RT_REDIS_USER_ID}`];
    case "elasticloadbalancing":
      return variables.RT_TARGET_GROUP_ARN === undefined ? [] : ["*"];
    default:
      return [];
  }
}

const needsOf = (model: Model, program: Program): Need[] =>
  program.facts.actions.flatMap((action) => {
    const resources = resourcesOf(model, action.split(":")[0] ?? "", program);
    return resources.map((resource) => ({ action, resource }));
  });

/** What an event source or a failure destination needs of the function's role. */
function sourceNeeds(model: Model, lambda: Resource): Need[] {
  const reads = {
    "AWS::SQS::Queue": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    "AWS::Kinesis::Stream": [
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:DescribeStreamSummary",
      "kinesis:ListShards",
    ],
  };
  const mappings = model
    .ofType("AWS::Lambda::EventSourceMapping")
    .filter(({ properties }) => properties.FunctionName === referenceTo(lambda));
  const configs = model
    .ofType("AWS::Lambda::EventInvokeConfig")
    .filter(({ properties }) => properties.FunctionName === referenceTo(lambda));
  const sources = mappings.flatMap(({ properties }) =>
    Object.entries(reads).flatMap(([type, actions]) => {
      const source = model.target(properties.EventSourceArn, type, "Arn");
      return source ? actions.map((action) => ({ action, resource: referenceTo(source, "Arn") })) : [];
    }),
  );
  const failures = [...mappings, ...configs].flatMap(({ properties }) =>
    asList(properties.DestinationConfig?.OnFailure?.Destination),
  );
  return [...sources, ...failures.map((resource) => ({ action: "sqs:SendMessage", resource }))];
}

/** Each AWS call of a function is allowed on the resource that its variables name. */
const functionRule: Rule = (model) =>
  programsOf(model)
    .filter(({ resource }) => resource.type === "AWS::Lambda::Function")
    .flatMap((program) => {
      const { resource } = program;
      const role = model.target(resource.properties.Role, "AWS::IAM::Role", "Arn");
      if (!role) return failed(resource, { "has no role": false });
      const managed: string[] = role.properties.ManagedPolicyArns ?? [];
      const has = (name: string): boolean =>
        managed.some((arn) => arn.endsWith(`:iam::aws:policy/service-role/${name}`));
      const sharers = model
        .ofType("AWS::Lambda::Function")
        .filter(({ properties }) => properties.Role === resource.properties.Role);
      return [
        ...failed(resource, {
          "has a role that Lambda may not assume": isTrusted(role, "lambda.amazonaws.com"),
          "may not write its log": has("AWSLambdaBasicExecutionRole"),
          "may not create its network interface":
            !resource.properties.VpcConfig || has("AWSLambdaVPCAccessExecutionRole"),
          "shares its role": sharers.length === 1,
        }),
        ...lacking(resource, statementsOf(model, role), [...needsOf(model, program), ...sourceNeeds(model, resource)]),
        ...secretFindings(model, role, [program.variables.RT_REDIS_SECRET_ARN ?? ""]),
      ];
    });

/** A role reads the secret of its program, and no other. */
function secretFindings(model: Model, role: Resource, secrets: readonly string[]): Finding[] {
  const readable = statementsOf(model, role)
    .filter(({ Action }) => asList(Action).some((action) => action.startsWith("secretsmanager:")))
    .flatMap(({ Resource }) => asList(Resource));
  return failed(role, {
    "may read a secret that its program does not use": readable.every((secret) => secrets.includes(secret)),
  });
}

/** The task's execution role pulls its image and writes its log; the program's own one reads its secret. */
const taskRule: Rule = (model) =>
  model.ofType("AWS::ECS::TaskDefinition").flatMap((task) => {
    const container = gatewayContainerOf(task);
    const execution = model.target(task.properties.ExecutionRoleArn, "AWS::IAM::Role", "Arn");
    const own = model.target(task.properties.TaskRoleArn, "AWS::IAM::Role", "Arn");
    if (!execution || !own) return failed(task, { "has no role": false });
    const [, account = "", region = "", repository = ""] =
      /^(.+)\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+\/((?:\$\{[^}]+\}|[^:@])+)[:@]/.exec(container?.Image ?? "") ?? [];
    const arn = `arn:aws:ecr:${region}:${account}:repository/${repository}`;
    const pull =
      account === ""
        ? []
        : ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"].map((action) => ({
            action,
            resource: arn,
          }));
    const token = account === "" ? [] : [{ action: "ecr:GetAuthorizationToken", resource: "*" }];
    const logGroup = model.target(container?.LogConfiguration?.Options?.["awslogs-group"], "AWS::Logs::LogGroup");
    const log = logGroup
      ? ["logs:CreateLogStream", "logs:PutLogEvents"].map((action) => ({
          action,
          resource: referenceTo(logGroup, "Arn"),
        }))
      : [];
    return [
      ...failed(task, {
        "has a role that ECS may not assume":
          isTrusted(execution, "ecs-tasks.amazonaws.com") && isTrusted(own, "ecs-tasks.amazonaws.com"),
        "gives its program the rights to pull images": execution !== own,
        "writes its log nowhere": logGroup,
      }),
      ...lacking(task, statementsOf(model, execution), [...pull, ...token, ...log]),
      ...secretFindings(model, execution, []),
      ...programsOf(model)
        .filter(({ resource }) => resource === task)
        .flatMap((program) => [
          ...lacking(task, statementsOf(model, own), needsOf(model, program)),
          ...secretFindings(model, own, [program.variables.RT_REDIS_SECRET_ARN ?? ""]),
        ]),
    ];
  });

/** Actions that take no resource. */
const withoutResource = new Set([
  "ecr:GetAuthorizationToken",
  "ec2:DescribeManagedPrefixLists",
  "xray:PutTraceSegments",
  "xray:PutTelemetryRecords",
  "cloudwatch:PutMetricData",
]);

/** Where the policies of AWS are. */
const AWS_POLICIES = `arn:\${AWS::Partition}:iam::aws:policy/`;

/** No role may do everything of a service, or something to everything. */
const wildcardRule: Rule = (model) =>
  model.ofType("AWS::IAM::Role").flatMap((role) => {
    const allowed = statementsOf(model, role).filter(({ Effect }) => Effect === "Allow");
    return failed(role, {
      "may do whatever a service offers": allowed.every(({ Action }) =>
        asList(Action).every((action) => !action.includes("*")),
      ),
      "may act on every resource": allowed.every(
        ({ Action, Resource }) =>
          !asList(Resource).includes("*") ||
          asList(Action).every((action) => withoutResource.has(action) || /:(Describe|List)/.test(action)),
      ),
      "is assumed by nobody": asList(role.properties.AssumeRolePolicyDocument?.Statement?.[0]?.Principal?.Service).some(
        (service) => service.endsWith(".amazonaws.com") && service !== "*",
      ),
      "has a policy of AWS that allows too much": asList(role.properties.ManagedPolicyArns).every(
        (arn) =>
          arn.startsWith(`${AWS_POLICIES}service-role/`) || arn === `${AWS_POLICIES}AmazonSSMManagedInstanceCore`,
      ),
    });
  });

/** The role of the flow log and of CDK's look-up. */
const otherRolesRule: Rule = (model) => [
  ...model.ofType("AWS::EC2::FlowLog").flatMap((log) => {
    const role = model.target(log.properties.DeliverLogsPermissionArn, "AWS::IAM::Role", "Arn");
    const group = model.target(log.properties.LogGroupName, "AWS::Logs::LogGroup");
    const needs = group
      ? [
          { action: "logs:PutLogEvents", resource: referenceTo(group, "Arn") },
          { action: "logs:CreateLogStream", resource: referenceTo(group, "Arn") },
        ]
      : [];
    return [
      ...failed(log, {
        "has a role that it may not assume": role && isTrusted(role, "vpc-flow-logs.amazonaws.com"),
        "writes nowhere": group,
        "is of no VPC": model.target(log.properties.ResourceId, "AWS::EC2::VPC"),
      }),
      ...(role ? lacking(log, statementsOf(model, role), needs) : []),
    ];
  }),
  ...model.ofType("Custom::AWS").flatMap((custom) => {
    const lambda = model.target(custom.properties.ServiceToken, "AWS::Lambda::Function", "Arn");
    const role = lambda && model.target(lambda.properties.Role, "AWS::IAM::Role", "Arn");
    const call = /"service":"(\w+)","action":"(\w+)"/.exec(custom.properties.Create ?? "");
    const managed: string[] = role?.properties.ManagedPolicyArns ?? [];
    const need = [{ action: `${call?.[1]?.toLowerCase()}:${call?.[2]}`, resource: "*" }];
    return [
      ...failed(custom, {
        "is run by nothing": lambda && isOfCdk(lambda) && role && lambda.properties.Handler === "index.handler",
        "cannot write the log of its run": managed.some((arn) => arn.endsWith("/AWSLambdaBasicExecutionRole")),
        "does something else in an update": custom.properties.Update === custom.properties.Create,
      }),
      ...(role ? lacking(custom, statementsOf(model, role), need) : []),
    ];
  }),
];

/** The rules of roles: each may do what its program calls, and nothing else. */
export const roleRules: readonly Rule[] = [functionRule, taskRule, wildcardRule, otherRolesRule];
