import { describe, expect, it } from "vitest";
import { functionsOf, only, publishersOf, synthesize, variants } from "./synthesize.ts";

describe.each(Object.entries(variants))("%s", (_name, fields) => {
  const synthesis = synthesize(fields);
  const { config, ofType } = synthesis;
  const functions = functionsOf(synthesis);
  const publishers = publishersOf(synthesis);

  it("gives every publisher a failure queue, for deliveries and for invocations, and puts it into the VPC", () => {
    const destinations = ofType("AWS::Lambda::EventInvokeConfig");

    expect(publishers).toHaveLength(6);
    for (const { logicalId, Properties } of publishers) {
      const destination = destinations.find(({ Properties: { FunctionName } }) => FunctionName.Ref === logicalId);
      const retries = destination?.Properties.DestinationConfig.OnFailure.Destination["Fn::GetAtt"][0];
      const retryQueue = ofType("AWS::SQS::Queue").find((queue) => queue.logicalId === retries);
      const failures = retryQueue?.Properties.RedrivePolicy.deadLetterTargetArn["Fn::GetAtt"][0];
      expect(Properties.Environment.Variables.RT_FAILURE_QUEUE_URL).toEqual({ Ref: failures });
      expect(Properties.VpcConfig.SubnetIds.length).toBe(config.network.availabilityZones);
    }
    for (const { Properties } of ofType("AWS::Events::Rule")) {
      expect(
        Properties.Targets.map((target: { DeadLetterConfig?: unknown }) => target.DeadLetterConfig !== undefined),
      ).toEqual([true]);
    }
    const sources = ofType("AWS::Lambda::EventSourceMapping").filter(({ stack }) => stack.endsWith("-domain-events"));
    const streams = sources.filter(({ Properties }) => Properties.StartingPosition !== undefined);
    expect(sources.length - streams.length).toBe(publishers.length);
    for (const { Properties } of streams) {
      expect(Properties.DestinationConfig.OnFailure.Destination).toBeDefined();
      expect(Properties.FunctionResponseTypes).toEqual(["ReportBatchItemFailures"]);
    }
    expect(streams).toHaveLength(config.events.marketStream === "none" ? 0 : 1);
  });

  it("allows every function to write its log, and to create a network interface if it is in the VPC", () => {
    const roles = new Map(
      ofType("AWS::IAM::Role").map((role) => [role.logicalId, JSON.stringify(role.Properties.ManagedPolicyArns ?? [])]),
    );

    for (const { Properties } of functions) {
      const policies = roles.get(Properties.Role["Fn::GetAtt"][0]);
      expect(policies).toContain("AWSLambdaBasicExecutionRole");
      expect(policies?.includes("AWSLambdaVPCAccessExecutionRole")).toBe(Properties.VpcConfig !== undefined);
    }
  });

  it("stays below Lambda's limit of 4 KB for the variables of a function", () => {
    for (const { Properties } of functions) {
      expect(JSON.stringify(Properties.Environment.Variables).length).toBeLessThan(4_000);
    }
  });

  it("has an alarm on every failure queue", () => {
    const alarms = ofType("AWS::CloudWatch::Alarm");
    const queues = alarms.filter(({ Properties }) => Properties.MetricName === "ApproximateNumberOfMessagesVisible");

    // One for each publisher, and one for the managed edge.
    expect(queues).toHaveLength(publishers.length + (config.managedEdge.enabled ? 1 : 0));
    expect(alarms.every(({ Properties }) => Properties.AlarmActions.length === 1)).toBe(true);
  });

  it("has an alarm on streams that a producer's versions freeze, if the publisher compares versions", () => {
    const alarms = ofType("AWS::CloudWatch::Alarm").filter(
      ({ Properties }) => Properties.MetricName === "FrozenStreams",
    );

    // Not of notifications and signals, whose messages have no versions.
    expect(alarms).toHaveLength(4);
    for (const { Properties } of alarms) {
      expect(Properties).toMatchObject({ Namespace: "VeztaRealtime", Threshold: 0, Statistic: "Maximum" });
      expect(Properties.Dimensions.map(({ Name }: { readonly Name: string }) => Name)).toEqual([
        "FunctionName",
        "service",
      ]);
    }
  });

  it("allows alarms to publish to their topic, which the policy that enforces TLS alone would not", () => {
    const { Statement } = only(synthesis, "AWS::SNS::TopicPolicy").Properties.PolicyDocument;

    expect(Statement).toContainEqual(
      expect.objectContaining({
        Effect: "Allow",
        Action: "sns:Publish",
        Principal: { Service: "cloudwatch.amazonaws.com" },
      }),
    );
  });

  it("limits the retention of every log", () => {
    const groups = ofType("AWS::Logs::LogGroup");
    const logged = [...functions, ...ofType("AWS::Lambda::Function")].map(
      ({ Properties }) => Properties.LoggingConfig?.LogGroup,
    );

    expect(groups.filter(({ Properties }) => !Properties.RetentionInDays)).toEqual([]);
    expect(logged.every((group) => group !== undefined)).toBe(true);
    expect(ofType("Custom::LogRetention")).toEqual([]);
  });
});
