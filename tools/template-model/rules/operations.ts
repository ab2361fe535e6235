import { ABSENT, parameterName, platformParameters } from "../../../infra/constructs/support/platform-parameters.ts";
import { failed, type Model, type Rule, referenceTo } from "../model.ts";
import { hintsOf, publishersOf } from "./events.ts";
import { cacheOf, portOf } from "./paths.ts";
import { refusesClearText } from "./policies.ts";

const topicRule: Rule = (model) =>
  model.ofType("AWS::SNS::Topic").flatMap((topic) => {
    const own = referenceTo(topic);
    const policies = model.ofType("AWS::SNS::TopicPolicy").filter(({ properties }) => properties.Topics?.includes(own));
    const statements = policies.flatMap(({ properties }) => properties.PolicyDocument?.Statement ?? []);
    const { alarmEmail } = model.config;
    const subscriptions = model
      .ofType("AWS::SNS::Subscription")
      .filter(({ properties }) => properties.TopicArn === own);
    const allows = statements.filter(({ Effect }) => Effect === "Allow");
    return failed(topic, {
      "takes no alarms": allows.some(
        ({ Action, Principal, Resource, Condition }) =>
          Action === "sns:Publish" &&
          Principal?.Service === "cloudwatch.amazonaws.com" &&
          Resource === own &&
          JSON.stringify(Condition) === `{"StringEquals":{"aws:SourceAccount":"\${AWS::AccountId}"}}`,
      ),
      "lets anybody publish": allows.every(({ Principal }) => Principal !== "*" && Principal?.AWS !== "*"),
      "takes messages without TLS": refusesClearText(statements, "sns:Publish", own),
      "notifies another address than configured":
        JSON.stringify(subscriptions.map(({ properties }) => properties.Endpoint)) ===
        JSON.stringify(alarmEmail === undefined ? [] : [alarmEmail]),
    });
  });

const subscriptionRule: Rule = (model) =>
  model
    .ofType("AWS::SNS::Subscription")
    .flatMap((subscription) =>
      failed(subscription, { "is of no topic": model.target(subscription.properties.TopicArn, "AWS::SNS::Topic") }),
    );

const budgetRule: Rule = (model) => {
  const { monthlyBudget } = model.config.cost;
  const budgets = model.ofType("AWS::Budgets::Budget");
  return [
    ...failed({ name: "budget" }, { "is not as configured": budgets.length === (monthlyBudget === undefined ? 0 : 1) }),
    ...budgets.flatMap(({ name, properties: p }) =>
      failed(
        { name },
        {
          "has another limit than configured": p.Budget?.BudgetLimit?.Amount === monthlyBudget,
          "tells nobody": p.NotificationsWithSubscribers?.every(
            ({ Subscribers }: { Subscribers: { Address: string }[] }) =>
              Subscribers.every(({ Address }) => Address === model.config.alarmEmail),
          ),
          "does not tell when it is reached": p.NotificationsWithSubscribers?.some(
            ({ Notification }: { Notification: { NotificationType: string; Threshold: number } }) =>
              Notification.NotificationType === "ACTUAL" && Notification.Threshold === 100,
          ),
        },
      ),
    ),
  ];
};

/** The parameters by which other repositories find the environment. */
function expectedParameters(model: Model): Record<string, string | undefined> {
  const ref = (type: string, attribute?: string): string | undefined => {
    const [resource] = model.ofType(type);
    return resource && referenceTo(resource, attribute);
  };
  const cache = cacheOf(model);
  const host =
    cache &&
    referenceTo(cache, cache.type.endsWith("ReplicationGroup") ? "ConfigurationEndPoint.Address" : "Endpoint.Address");
  const hints = hintsOf(model);
  const secret = model
    .ofType("AWS::SecretsManager::Secret")
    .find(({ properties }) => properties.Description?.endsWith(" publisher"));
  return {
    "vpc-id": ref("AWS::EC2::VPC"),
    "redis-url": `rediss://${host}:${portOf(cache)}`,
    "redis-secret-arn": secret && referenceTo(secret),
    "alarm-topic-arn": ref("AWS::SNS::Topic"),
    "bus-name": ref("AWS::Events::EventBus"),
    "maximum-clock-skew-ms": String(model.config.events.maximumClockSkewMs),
    "hint-queue-url": hints ? referenceTo(hints) : ABSENT,
    "hint-queue-arn": hints ? referenceTo(hints, "Arn") : ABSENT,
  };
}

const parametersRule: Rule = (model) => {
  const parameters = model.ofType("AWS::SSM::Parameter");
  const parameterOf = (name: string) =>
    parameters.find(
      ({ properties }) => properties.Name === parameterName(model.config.name, name as keyof typeof platformParameters),
    );
  const [lambda] = publishersOf(model);
  const subnets = lambda?.properties.VpcConfig?.SubnetIds?.join(",");
  return [
    ...Object.keys(platformParameters).flatMap((name) =>
      failed({ name: `parameter ${name}` }, { "is missing": parameterOf(name) }),
    ),
    ...failed(
      { name: "parameters" },
      { "are more than other repositories read": parameters.length === Object.keys(platformParameters).length },
    ),
    ...Object.entries({ ...expectedParameters(model), "subnet-ids": subnets }).flatMap(([name, value]) =>
      failed(
        { name: `parameter ${name}` },
        { "has another value than our own functions": parameterOf(name)?.properties.Value === value },
      ),
    ),
    ...failed(
      { name: "parameter security-group-id" },
      {
        "is no group of publishers elsewhere": model.target(
          parameterOf("security-group-id")?.properties.Value,
          "AWS::EC2::SecurityGroup",
          "GroupId",
        ),
      },
    ),
  ];
};

/** The pool of users, where no issuer is configured; nobody signs up by himself. */
const poolRule: Rule = (model) => {
  const pools = model.ofType("AWS::Cognito::UserPool");
  const flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"];
  return [
    ...failed(
      { name: "user pool" },
      { "is not as configured": pools.length === (model.config.auth.issuer === undefined ? 1 : 0) },
    ),
    ...pools.flatMap((pool) =>
      failed(pool, {
        "is protected otherwise than configured":
          (pool.properties.DeletionProtection === "ACTIVE") === model.config.protection,
      }),
    ),
    ...model.ofType("AWS::Cognito::UserPoolClient").flatMap((client) =>
      failed(client, {
        "is of no pool": model.target(client.properties.UserPoolId, "AWS::Cognito::UserPool"),
        "has other ways to sign in":
          JSON.stringify([...(client.properties.ExplicitAuthFlows ?? [])].toSorted()) === JSON.stringify(flows),
        "gives tokens that outlive an hour": client.properties.AccessTokenValidity <= 60,
      }),
    ),
  ];
};

/** The rules of what operators and other repositories rely on: the topic, the budget, parameters, users. */
export const operationRules: readonly Rule[] = [topicRule, subscriptionRule, budgetRule, parametersRule, poolRule];
