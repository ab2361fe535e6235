import * as z from "zod";
import { any, list, one, policyDocument, reference, type Shapes, shape, strict, text, whole, yes } from "./shape.ts";

const onFailure = strict({ OnFailure: strict({ Destination: reference }) });

export const functionShapes: Shapes = {
  "AWS::Lambda::Function": shape(
    {
      Code: any,
      Handler: text,
      Role: reference,
      Runtime: one("nodejs24.x"),
      Timeout: whole(5, 900),
      LoggingConfig: strict({ LogGroup: reference, LogFormat: any.optional() }),
    },
    {
      Architectures: list(one("arm64")),
      Description: text,
      Environment: strict({ Variables: z.record(z.string(), z.string()) }),
      MemorySize: whole(128, 10_240),
      ReservedConcurrentExecutions: whole(1, 1_000),
      TracingConfig: any,
      VpcConfig: strict({ SecurityGroupIds: list(reference), SubnetIds: list(reference, 2) }),
    },
  ),
  "AWS::Lambda::Permission": shape(
    { Action: one("lambda:InvokeFunction"), FunctionName: reference, Principal: text, SourceArn: text },
    { SourceAccount: text },
  ),
  "AWS::Lambda::EventInvokeConfig": shape({
    DestinationConfig: onFailure,
    FunctionName: reference,
    MaximumEventAgeInSeconds: whole(60, 21_600),
    MaximumRetryAttempts: whole(1, 2),
    Qualifier: one("$LATEST"),
  }),
  "AWS::Lambda::EventSourceMapping": shape(
    {
      BatchSize: whole(1, 10_000),
      EventSourceArn: reference,
      FunctionName: reference,
      // Without it one bad message makes the whole batch come again.
      FunctionResponseTypes: list(one("ReportBatchItemFailures")),
    },
    {
      BisectBatchOnFunctionError: yes,
      DestinationConfig: onFailure,
      MaximumRecordAgeInSeconds: whole(60, 604_800),
      MaximumRetryAttempts: whole(1, 10_000),
      StartingPosition: one("LATEST", "TRIM_HORIZON"),
      ScalingConfig: strict({ MaximumConcurrency: whole(2, 1_000) }),
      MaximumBatchingWindowInSeconds: whole(0, 5),
      Enabled: yes,
    },
  ),
  "AWS::Events::EventBus": shape({ Name: text }),
  "AWS::Events::EventBusPolicy": shape(
    { EventBusName: reference, StatementId: text, Statement: any },
    { Principal: any, Action: any },
  ),
  "AWS::Events::Archive": shape(
    {
      EventPattern: strict({ account: list(text) }),
      RetentionDays: whole(1, 365),
      SourceArn: reference,
    },
    { Description: text, KmsKeyIdentifier: one("") },
  ),
  "AWS::Events::Rule": shape(
    {
      EventBusName: reference,
      EventPattern: z.record(z.string(), any),
      State: one("ENABLED"),
      Targets: list(
        strict({
          Arn: reference,
          Id: text,
          DeadLetterConfig: strict({ Arn: reference }),
          RetryPolicy: strict({ MaximumEventAgeInSeconds: whole(60, 86_400), MaximumRetryAttempts: whole(1, 185) }),
        }),
      ),
    },
    { Description: text, Name: text },
  ),
  "AWS::Kinesis::Stream": shape(
    {
      RetentionPeriodHours: whole(24, 8_760),
      StreamEncryption: strict({ EncryptionType: one("KMS"), KeyId: text }),
      StreamModeDetails: strict({ StreamMode: one("PROVISIONED", "ON_DEMAND") }),
    },
    { ShardCount: whole(1, 500) },
  ),
  "AWS::SQS::Queue": shape(
    { SqsManagedSseEnabled: yes, MessageRetentionPeriod: whole(60, 1_209_600) },
    {
      FifoQueue: yes,
      DeduplicationScope: one("messageGroup", "queue"),
      FifoThroughputLimit: one("perMessageGroupId", "perQueue"),
      VisibilityTimeout: whole(0, 43_200),
      RedrivePolicy: strict({ deadLetterTargetArn: reference, maxReceiveCount: whole(2, 1_000) }),
      RedriveAllowPolicy: any,
    },
  ),
  "AWS::SQS::QueuePolicy": shape({ PolicyDocument: policyDocument, Queues: list(reference) }),
  "AWS::SNS::Topic": shape({ DisplayName: text }, { KmsMasterKeyId: any }),
  "AWS::SNS::TopicPolicy": shape({ PolicyDocument: policyDocument, Topics: list(reference) }),
  "AWS::SNS::Subscription": shape({ Endpoint: text, Protocol: one("email"), TopicArn: reference }),
  "AWS::SSM::Parameter": shape({ Name: text, Type: one("String"), Value: text, Description: text }),
  "AWS::Logs::LogGroup": shape({ RetentionInDays: whole(1, 3_653) }, { LogGroupName: text }),
  "AWS::IAM::Role": shape(
    { AssumeRolePolicyDocument: policyDocument },
    {
      ManagedPolicyArns: list(text),
      Policies: list(strict({ PolicyName: text, PolicyDocument: policyDocument })),
      Description: text,
    },
  ),
  "AWS::IAM::Policy": shape({ PolicyDocument: policyDocument, PolicyName: text, Roles: list(reference) }),
};
