import { change, drop, find, type Mutation, mutationsOf, propertiesOf, remove, set } from "../mutation.ts";

const alarms = mutationsOf("alarms", "both edges");
const auth = mutationsOf("auth", "both edges");
const FAILURES = "CloudWatch::Alarm/ordersFailuresAlarm";
const LAG = "CloudWatch::Alarm/marketdataLagAlarm";
const HINTS = "CloudWatch::Alarm/^LagAlarm";
const ERRORS = "CloudWatch::Alarm/^ErrorsAlarm";
const RETRIED = "CloudWatch::Alarm/ordersRetriesAlarm";
const DAMAGED = "CloudWatch::Alarm/DamagedStates";
const MEMORY = "CloudWatch::Alarm/RedisMemory";
const HEALTHY = "CloudWatch::Alarm/NoHealthyTask";
const DASHBOARD = "CloudWatch::Dashboard";
const POOL = "Cognito::UserPool/Users";
const CLIENT = "Cognito::UserPoolClient";

/** Mistakes in alarms, the topic and the budget, and in the pool of users. */
export const operationMutations: readonly Mutation[] = [
  ...alarms({
    "alarm on the queue of another": (t) => {
      propertiesOf(t, "AWS::CloudWatch::Alarm", /ordersFailuresAlarm/).Dimensions = propertiesOf(
        t,
        "AWS::CloudWatch::Alarm",
        /signalsFailuresAlarm/,
      ).Dimensions;
    },
    "alarm on the function of another": (t) => {
      propertiesOf(t, "AWS::CloudWatch::Alarm", /marketdataLagAlarm/).Dimensions[0].Value = {
        Ref: find(t, "AWS::Lambda::Function", /ordersFunction/)[0]?.id,
      };
    },
    "alarm below in place of above": set(FAILURES, "ComparisonOperator", "LessThanThreshold"),
    "alarm at the threshold itself": set(FAILURES, "ComparisonOperator", "GreaterThanOrEqualToThreshold"),
    "alarm at a thousand failures": set(FAILURES, "Threshold", 1_000),
    "average of failures": set(FAILURES, "Statistic", "Average"),
    "alarm that fires without data": set(FAILURES, "TreatMissingData", "breaching"),
    "alarm that tells nobody": drop(FAILURES, "AlarmActions"),
    "alarm that is off": set(FAILURES, "ActionsEnabled", false),
    "alarm to another topic": set(FAILURES, "AlarmActions", ["arn:aws:sns:us-east-1:111122223333:other"]),
    "metric with a typing mistake": set(FAILURES, "MetricName", "ApproximateNumberOfMessageVisible"),
    "metric of messages in flight": set(FAILURES, "MetricName", "ApproximateNumberOfMessagesNotVisible"),
    "namespace with a typing mistake": set(FAILURES, "Namespace", "AWS/Sqs"),
    "dimension with a typing mistake": set(FAILURES, "Dimensions.0.Name", "Queue"),
    "alarm after a day": set(FAILURES, "Period", 86_400),
    "alarm after ten periods": set(FAILURES, "EvaluationPeriods", 10),
    "no alarm on failures": remove(FAILURES),
    "sum of lags": set(LAG, "Statistic", "Sum"),
    "lag in seconds": set(LAG, "Threshold", 5),
    "lag of an hour": set(LAG, "Threshold", 3_600_000),
    "no alarm on lag": remove(LAG),
    "age of failures in place of hints": (t) => {
      propertiesOf(t, "AWS::CloudWatch::Alarm", /^LagAlarm/).Dimensions = propertiesOf(
        t,
        "AWS::CloudWatch::Alarm",
        /^FailuresAlarm/,
      ).Dimensions;
    },
    "minimum of ages": set(HINTS, "Statistic", "Minimum"),
    "age of a day": set(HINTS, "Threshold", 86_400),
    "average of errors": set(ERRORS, "Statistic", "Average"),
    "errors of another API": set(ERRORS, "Dimensions.0.Value", "a1b2c3"),
    "no alarm on errors": remove(ERRORS),
    "frozen streams of another service": set("CloudWatch::Alarm/marketdataFrozen", "Dimensions.1.Value", "publisher"),
    "frozen streams in another namespace": set("CloudWatch::Alarm/marketdataFrozen", "Namespace", "Vezta"),
    "no alarm on frozen streams": remove("CloudWatch::Alarm/portfolioFrozen"),
    "retries that wait for hours": set(RETRIED, "Threshold", 7_200),
    "no alarm on retries": remove(RETRIED),
    "no alarm on damaged values": remove(DAMAGED),
    "damaged values of one function": change(DAMAGED, ({ Properties }) => {
      Properties.Metrics[2].MetricStat.Metric.Dimensions = Properties.Metrics[1].MetricStat.Metric.Dimensions;
    }),
    "damaged values as an average": set(DAMAGED, "Metrics.1.MetricStat.Stat", "Average"),
    "damaged values only where both count": set(DAMAGED, "Metrics.0.Expression", "fanOut + messages"),
    "gateways of another environment": set(MEMORY, "Dimensions.0.Value", "prod"),
    "memory at 99 %": set(MEMORY, "Threshold", 99),
    "least memory of the nodes": set(MEMORY, "Statistic", "Minimum"),
    "three bad periods of two": set(MEMORY, "DatapointsToAlarm", 4),
    "metric that gateways do not write": set(MEMORY, "MetricName", "RedisMemory"),
    "alarm without its section of the runbook": set(MEMORY, "AlarmDescription", "memory"),
    "healthy tasks, whatever their number": set(HEALTHY, "ComparisonOperator", "GreaterThanThreshold"),
    "no healthy task, and no data": set(HEALTHY, "TreatMissingData", "notBreaching"),
    "tasks of another load balancer": set(HEALTHY, "Dimensions.0.Value", "app/other/0a1b2c3d4e5f6071"),
    "no alarm on metrics that stay away": remove("CloudWatch::Alarm/NoMetrics"),
    "median in place of the slowest": set("CloudWatch::Alarm/LateMessages", "ExtendedStatistic", "p50"),
    "dashboard without an alarm": set(DASHBOARD, "DashboardBody", (body: { "Fn::Join": [string, unknown[]] }) => ({
      "Fn::Join": ["", body["Fn::Join"][1].toSpliced(1, 2)],
    })),
    "dashboard of another environment": set(
      DASHBOARD,
      "DashboardBody",
      (body: { "Fn::Join": [string, unknown[]] }) => ({
        "Fn::Join": [
          "",
          body["Fn::Join"][1].map((part) =>
            typeof part === "string" ? part.replaceAll('"Environment","test"', '"Environment","dev"') : part,
          ),
        ],
      }),
    ),
    "no dashboard": remove(DASHBOARD),
    "topic that takes no alarms": set("SNS::TopicPolicy", "PolicyDocument.Statement", (list: unknown[]) =>
      list.slice(0, 1),
    ),
    "topic for every account": drop("SNS::TopicPolicy", "PolicyDocument.Statement.1.Condition"),
    "topic open to all": set("SNS::TopicPolicy", "PolicyDocument.Statement.1.Principal", "*"),
    "topic without TLS": set("SNS::TopicPolicy", "PolicyDocument.Statement", (list: unknown[]) => list.slice(1)),
    "nobody subscribed": remove("SNS::Subscription"),
    "somebody else subscribed": set("SNS::Subscription", "Endpoint", "somebody@example.com"),
    "subscription by text message": set("SNS::Subscription", "Protocol", "sms"),
    "budget of another amount": set("Budgets::Budget", "Budget.BudgetLimit.Amount", 100_000),
    "budget of a day": set("Budgets::Budget", "Budget.TimeUnit", "DAILY"),
    "budget that tells nobody": set(
      "Budgets::Budget",
      "NotificationsWithSubscribers.0.Subscribers.0.Address",
      "somebody@example.com",
    ),
    "budget that tells below": set(
      "Budgets::Budget",
      "NotificationsWithSubscribers.1.Notification.ComparisonOperator",
      "LESS_THAN",
    ),
  }),
  ...auth({
    "self sign-up": set(POOL, "AdminCreateUserConfig.AllowAdminCreateUserOnly", false),
    "short passwords": set(POOL, "Policies.PasswordPolicy.MinimumLength", 6),
    "simple passwords": set(POOL, "Policies.PasswordPolicy.RequireSymbols", false),
    "no second factor": set(POOL, "MfaConfiguration", "OFF"),
    "second factor by text message": set(POOL, "EnabledMfas", ["SMS_MFA"]),
    "recovery by phone": set(POOL, "AccountRecoverySetting.RecoveryMechanisms.0.Name", "verified_phone_number"),
    "pool deleted with its stack": change(POOL, (pool) => {
      pool.DeletionPolicy = "Delete";
    }),
    "pool without protection": set(POOL, "DeletionProtection", "INACTIVE"),
    "client of another pool": set(CLIENT, "UserPoolId", "us-east-1_other"),
    "client that signs in without a proof": set(CLIENT, "ExplicitAuthFlows", [
      "ALLOW_USER_PASSWORD_AUTH",
      "ALLOW_REFRESH_TOKEN_AUTH",
    ]),
    "client that tells who exists": set(CLIENT, "PreventUserExistenceErrors", "LEGACY"),
    "tokens of a day": set(CLIENT, "AccessTokenValidity", 1_440),
    "tokens in hours": set(CLIENT, "TokenValidityUnits.AccessToken", "hours"),
    "tokens that are never revoked": set(CLIENT, "EnableTokenRevocation", false),
    "hosted login": set(CLIENT, "AllowedOAuthFlowsUserPoolClient", true),
    "client with a secret": set(CLIENT, "GenerateSecret", true),
    "no client": remove(CLIENT),
  }),
];
