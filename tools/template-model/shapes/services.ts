import * as z from "zod";
import { any, list, no, one, reference, type Shapes, shape, strict, text, whole, yes } from "./shape.ts";

const dimensions = list(strict({ Name: text, Value: text }));

export const serviceShapes: Shapes = {
  "AWS::DynamoDB::Table": shape({
    AttributeDefinitions: list(strict({ AttributeName: text, AttributeType: one("S", "N") })),
    BillingMode: one("PAY_PER_REQUEST"),
    DeletionProtectionEnabled: z.boolean(),
    KeySchema: list(strict({ AttributeName: text, KeyType: one("HASH", "RANGE") })),
    PointInTimeRecoverySpecification: strict({ PointInTimeRecoveryEnabled: z.boolean() }),
    TimeToLiveSpecification: strict({ AttributeName: text, Enabled: yes }),
  }),
  "AWS::ApiGatewayV2::Api": shape({
    Description: text,
    Name: text,
    ProtocolType: one("WEBSOCKET"),
    RouteSelectionExpression: text,
  }),
  "AWS::ApiGatewayV2::Integration": shape({
    ApiId: reference,
    IntegrationType: one("AWS_PROXY"),
    IntegrationUri: text,
  }),
  "AWS::ApiGatewayV2::Route": shape(
    { ApiId: reference, RouteKey: text, Target: text },
    { AuthorizationType: one("CUSTOM", "NONE"), AuthorizerId: reference },
  ),
  "AWS::ApiGatewayV2::Authorizer": shape({
    ApiId: reference,
    AuthorizerType: one("REQUEST"),
    AuthorizerUri: text,
    Name: text,
  }),
  "AWS::ApiGatewayV2::Stage": shape({
    AccessLogSettings: strict({ DestinationArn: reference, Format: text }),
    ApiId: reference,
    AutoDeploy: yes,
    DefaultRouteSettings: strict({
      ThrottlingBurstLimit: whole(1, 10_000),
      ThrottlingRateLimit: whole(1, 10_000),
      DetailedMetricsEnabled: any.optional(),
    }),
    StageName: text,
  }),
  "AWS::ApiGateway::Account": shape({ CloudWatchRoleArn: reference }),
  "AWS::CloudWatch::Dashboard": shape({ DashboardBody: text }, { DashboardName: text }),
  "AWS::Cognito::UserPool": shape({
    AccountRecoverySetting: strict({
      RecoveryMechanisms: list(strict({ Name: one("verified_email"), Priority: one(1) })),
    }),
    // Otherwise anybody gives himself an account.
    AdminCreateUserConfig: strict({ AllowAdminCreateUserOnly: yes }),
    AutoVerifiedAttributes: list(one("email")),
    DeletionProtection: one("ACTIVE", "INACTIVE").optional(),
    EmailVerificationMessage: text,
    EmailVerificationSubject: text,
    EnabledMfas: list(one("SOFTWARE_TOKEN_MFA")),
    MfaConfiguration: one("OPTIONAL", "ON"),
    Policies: strict({
      PasswordPolicy: strict({
        MinimumLength: whole(12, 99),
        RequireLowercase: yes,
        RequireNumbers: yes,
        RequireSymbols: yes,
        RequireUppercase: yes,
      }),
    }),
    SmsVerificationMessage: text,
    UserPoolTags: any,
    UserPoolTier: one("ESSENTIALS", "PLUS"),
    UsernameAttributes: list(one("email")),
    VerificationMessageTemplate: any,
  }),
  "AWS::Cognito::UserPoolClient": shape(
    {
      AccessTokenValidity: whole(5, 1_440),
      AllowedOAuthFlowsUserPoolClient: no,
      EnableTokenRevocation: yes,
      ExplicitAuthFlows: list(one("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")),
      PreventUserExistenceErrors: one("ENABLED"),
      SupportedIdentityProviders: list(one("COGNITO")),
      TokenValidityUnits: strict({
        AccessToken: one("minutes"),
        RefreshToken: any.optional(),
        IdToken: any.optional(),
      }),
      UserPoolId: reference,
    },
    { GenerateSecret: no },
  ),
  "AWS::Budgets::Budget": shape(
    {
      Budget: strict({
        BudgetLimit: strict({ Amount: z.number().positive(), Unit: one("USD") }),
        BudgetType: one("COST"),
        TimeUnit: one("MONTHLY"),
      }),
      NotificationsWithSubscribers: list(
        strict({
          Notification: strict({
            ComparisonOperator: one("GREATER_THAN"),
            NotificationType: one("ACTUAL", "FORECASTED"),
            Threshold: z.number().min(50).max(100),
            ThresholdType: one("PERCENTAGE"),
          }),
          Subscribers: list(strict({ Address: text, SubscriptionType: one("EMAIL", "SNS") })),
        }),
      ),
    },
    { ResourceTags: any },
  ),
  "AWS::CloudWatch::Alarm": shape(
    {
      AlarmActions: list(reference),
      AlarmDescription: text,
      ComparisonOperator: text,
      EvaluationPeriods: whole(1, 60),
      Threshold: z.number(),
    },
    {
      TreatMissingData: one("notBreaching", "breaching", "ignore", "missing"),
      AlarmName: text,
      DatapointsToAlarm: whole(1, 15),
      Dimensions: dimensions,
      MetricName: text,
      Namespace: text,
      Period: z.literal([60, 300, 900, 3_600]),
      Statistic: one("Average", "Maximum", "Minimum", "Sum", "SampleCount"),
      ExtendedStatistic: text.regex(/^p\d+/),
      Metrics: list(
        strict({ Id: text, Expression: text, Label: text.optional(), ReturnData: yes }).or(
          strict({
            Id: text,
            MetricStat: strict({
              Metric: strict({ Namespace: text, MetricName: text, Dimensions: dimensions }),
              Period: one(60, 300),
              Stat: text,
            }),
            ReturnData: no,
          }),
        ),
      ),
      OKActions: list(reference),
      ActionsEnabled: yes,
      Unit: text,
    },
  ),
};
