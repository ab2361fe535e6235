import { describe, expect, it } from "vitest";
import { functionsOf, only, synthesize, variants } from "./synthesize.ts";

describe.each(Object.entries(variants))("%s", (_name, fields) => {
  const synthesis = synthesize(fields);
  const { config, ofType } = synthesis;
  const functions = functionsOf(synthesis);

  it("gives every function a place for what fails, both ways, and a way into the VPC", () => {
    const destinations = ofType("AWS::Lambda::EventInvokeConfig");
    const roles = new Map(
      ofType("AWS::IAM::Role").map((role) => [role.logicalId, JSON.stringify(role.Properties.ManagedPolicyArns ?? [])]),
    );

    expect(functions).toHaveLength(6);
    for (const { logicalId, Properties } of functions) {
      const destination = destinations.find(({ Properties: { FunctionName } }) => FunctionName.Ref === logicalId);
      expect(destination?.Properties.DestinationConfig.OnFailure.Destination).toBeDefined();
      expect(Properties.VpcConfig.SubnetIds.length).toBe(config.network.availabilityZones);
      expect(roles.get(Properties.Role["Fn::GetAtt"][0])).toContain("AWSLambdaVPCAccessExecutionRole");
      expect(roles.get(Properties.Role["Fn::GetAtt"][0])).toContain("AWSLambdaBasicExecutionRole");
    }
    for (const { Properties } of ofType("AWS::Events::Rule")) {
      expect(
        Properties.Targets.map((target: { DeadLetterConfig?: unknown }) => target.DeadLetterConfig !== undefined),
      ).toEqual([true]);
    }
    for (const { Properties } of ofType("AWS::Lambda::EventSourceMapping")) {
      expect(Properties.DestinationConfig.OnFailure.Destination).toBeDefined();
      expect(Properties.FunctionResponseTypes).toEqual(["ReportBatchItemFailures"]);
    }
    expect(ofType("AWS::Lambda::EventSourceMapping")).toHaveLength(config.events.marketStream === "none" ? 0 : 1);
  });

  it("tells someone when events fail for good", () => {
    const alarms = ofType("AWS::CloudWatch::Alarm");
    const queues = alarms.filter(({ Properties }) => Properties.MetricName === "ApproximateNumberOfMessagesVisible");

    expect(queues).toHaveLength(functions.length);
    expect(alarms.every(({ Properties }) => Properties.AlarmActions.length === 1)).toBe(true);
  });

  it("lets alarms publish to their topic, which its own policy would not", () => {
    const { Statement } = only(synthesis, "AWS::SNS::TopicPolicy").Properties.PolicyDocument;

    expect(Statement).toContainEqual(
      expect.objectContaining({
        Effect: "Allow",
        Action: "sns:Publish",
        Principal: { Service: "cloudwatch.amazonaws.com" },
      }),
    );
  });

  it("ends every log some day", () => {
    const groups = ofType("AWS::Logs::LogGroup");
    const logged = [...functions, ...ofType("AWS::Lambda::Function")].map(
      ({ Properties }) => Properties.LoggingConfig?.LogGroup,
    );

    expect(groups.filter(({ Properties }) => !Properties.RetentionInDays)).toEqual([]);
    expect(logged.every((group) => group !== undefined)).toBe(true);
    expect(ofType("Custom::LogRetention")).toEqual([]);
  });
});
