import { change, find, type Mutation, mutationsOf, propertiesOf, remove, set } from "../mutation.ts";

const prod = mutationsOf("rotation", "both edges");
const ROTATION = "Lambda::Function/^gatewayFunction";
const ROLE = "IAM::Policy/^gatewayFunctionServiceRole";
const SCHEDULE = "SecretsManager::RotationSchedule/^gateway";
const INVOKE = "Lambda::Permission/^gatewayInvoke";
const FAILED = "CloudWatch::Alarm/^gatewayFailed";

const statements = (part: string, edit: (statement: { Action: unknown; Resource: unknown }) => void) =>
  change(ROLE, ({ Properties }) => {
    for (const statement of Properties.PolicyDocument.Statement)
      if (JSON.stringify(statement.Action).includes(part)) edit(statement);
  });

const ofPublisher =
  (type: string, path: (properties: ReturnType<typeof propertiesOf>) => unknown) => (_: unknown, t: never) =>
    path(propertiesOf(t, type, /^publisher/));

const variablesOf = (name: string) =>
  ofPublisher("AWS::Lambda::Function", ({ Environment }) => Environment.Variables[name]);

/** Mistakes in the rotation of the users' passwords. */
export const rotationMutations: readonly Mutation[] = prod({
  "secret of another user": set(
    ROTATION,
    "Environment.Variables.RT_REDIS_SECRET_ARN",
    variablesOf("RT_REDIS_SECRET_ARN"),
  ),
  "id of another user": set(ROTATION, "Environment.Variables.RT_REDIS_USER_ID", variablesOf("RT_REDIS_USER_ID")),
  "name of another user": set(ROTATION, "Environment.Variables.RT_REDIS_USERNAME", "publisher"),
  "no time to carry the password to the nodes": set(ROTATION, "Timeout", 30),
  "handler of another file": set(ROTATION, "Handler", "rotation.handler"),
  "outside the VPC of Redis": change(ROTATION, ({ Properties }) => {
    delete Properties.VpcConfig;
  }),
  "may change every user": statements("elasticache:", (statement) => {
    statement.Resource = "*";
  }),
  "may change the user of the publishers": statements("elasticache:", (statement) => {
    statement.Resource = JSON.parse(JSON.stringify(statement.Resource).replace("test-gateway", "test-publisher"));
  }),
  "may not change its user": statements("elasticache:", (statement) => {
    statement.Action = "elasticache:DescribeUsers";
  }),
  "may not name the current version": statements("secretsmanager:", (statement) => {
    statement.Action = (statement.Action as string[]).filter((action) => !action.includes("UpdateSecretVersionStage"));
  }),
  "may read the secret of the publishers": (t) => {
    const { Variables } = propertiesOf(t, "AWS::Lambda::Function", /^publisherFunction/).Environment;
    propertiesOf(t, "AWS::IAM::Policy", /^gatewayFunctionServiceRole/).PolicyDocument.Statement.push({
      Effect: "Allow",
      Action: "secretsmanager:GetSecretValue",
      Resource: Variables.RT_REDIS_SECRET_ARN,
    });
  },
  "schedule with the function of another": set(
    SCHEDULE,
    "RotationLambdaARN",
    ofPublisher("AWS::SecretsManager::RotationSchedule", ({ RotationLambdaARN }) => RotationLambdaARN),
  ),
  "schedule of another secret": set(
    SCHEDULE,
    "SecretId",
    ofPublisher("AWS::SecretsManager::RotationSchedule", ({ SecretId }) => SecretId),
  ),
  "once a year": set(SCHEDULE, "RotationRules.AutomaticallyAfterDays", 365),
  "only in a month": set(SCHEDULE, "RotateImmediatelyOnUpdate", false),
  "no schedule": remove(SCHEDULE),
  "schedule before its permission": change(SCHEDULE, (resource) => {
    resource.DependsOn = [];
  }),
  "may not be invoked": remove(INVOKE),
  "invoked for any secret": set(INVOKE, "SourceArn", "arn:aws:secretsmanager:us-east-1:111122223333:secret:*"),
  "invoked by another service": set(INVOKE, "Principal", "lambda.amazonaws.com"),
  "alarm on the rotation of another": (t) => {
    propertiesOf(t, "AWS::CloudWatch::Alarm", /^gatewayFailed/).Dimensions[0].Value = {
      Ref: find(t, "AWS::Lambda::Function", /^publisherFunction/)[0]?.id,
    };
  },
  "no alarm on failures": remove(FAILED),
});
