import { join } from "node:path";
import { App, Stack, Validations } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { DomainEventPublisher, RealtimePlatform } from "../../infra/constructs/index.ts";
import { ABSENT, parameterName, platformParameters } from "../../infra/constructs/support/platform-parameters.ts";
import { ourCode, projectRoot } from "../../infra/our-code.ts";
import { publishersOf, type Resource, readReport, synthesize, variants } from "./synthesize.ts";

const PREFIX = "/vezta-realtime/test/";

const parameterNames = Object.keys(platformParameters);

describe.each(Object.entries(variants))("the SSM parameters of %s", (_name, fields) => {
  const synthesis = synthesize(fields);
  const { config, ofType } = synthesis;
  const parameters = new Map(
    ofType("AWS::SSM::Parameter").map(({ Properties }) => [Properties.Name.replace(PREFIX, ""), Properties.Value]),
  );
  const [publisher] = publishersOf(synthesis);
  const { VpcConfig, Environment } = publisher?.Properties ?? expect.unreachable();
  const text = (name: string): string => JSON.stringify(parameters.get(name));

  it("have the names that other repositories read, each with a value and a description", () => {
    expect([...parameters.keys()].toSorted()).toEqual(parameterNames.toSorted());
    for (const { Properties } of ofType("AWS::SSM::Parameter")) {
      expect(Properties).toMatchObject({ Type: "String", Description: expect.stringMatching(/./) });
      expect(Properties.Value).not.toBe("");
    }
  });

  it("place functions where our own publishers are, in a security group that Redis accepts", () => {
    const securityGroup = parameters.get("security-group-id")["Fn::GetAtt"][0];
    const rules = ofType("AWS::EC2::SecurityGroupIngress").filter(
      ({ Properties }) => Properties.SourceSecurityGroupId?.["Fn::GetAtt"]?.[0] === securityGroup,
    );

    for (const subnet of VpcConfig.SubnetIds) expect(text("subnet-ids")).toContain(JSON.stringify(subnet));
    expect(text("vpc-id")).toContain("ExportsOutputRefVpc");
    expect(rules.map(({ Properties }) => Properties.FromPort).toSorted()).toEqual(
      config.network.egress === "endpoints" ? [443, 6379] : [6379],
    );
  });

  it("have the values that our own publishers get", () => {
    const { RT_REDIS_URL, RT_REDIS_SECRET_ARN, RT_MAXIMUM_CLOCK_SKEW_MS, RT_EDGE_QUEUE_URL } = Environment.Variables;
    const [rule] = ofType("AWS::Events::Rule");
    const [alarm] = ofType("AWS::CloudWatch::Alarm").filter(({ stack }) => stack.endsWith("-domain-events"));

    expect(parameters.get("redis-url")).toEqual(RT_REDIS_URL);
    expect(parameters.get("redis-secret-arn")).toEqual(RT_REDIS_SECRET_ARN);
    expect(parameters.get("maximum-clock-skew-ms")).toBe(RT_MAXIMUM_CLOCK_SKEW_MS);
    expect(parameters.get("hint-queue-url")).toEqual(RT_EDGE_QUEUE_URL ?? ABSENT);
    expect(parameters.get("hint-queue-arn") === ABSENT).toBe(!config.managedEdge.enabled);
    expect(parameters.get("bus-name")).toEqual(rule?.Properties.EventBusName);
    expect([parameters.get("alarm-topic-arn")]).toEqual(alarm?.Properties.AlarmActions);
  });
});

/** An app of another repository with one publisher, without bundling. */
function createOtherApp() {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  const stack = new Stack(app, "Rewards", { env: { region: "eu-west-1" } });
  const publisher = new DomainEventPublisher(stack, "Rewards", {
    platform: RealtimePlatform.fromEnvironment(stack, "prod"),
    entry: join(projectRoot, "lambdas/publishers/notifications.handler.ts"),
    eventPattern: { source: ["vezta.rewards"], detailType: ["RewardGranted"] },
    channels: ["user:notifications"],
    ...ourCode,
  });
  return { app, stack, publisher };
}

const parameterOf = (template: Template, name: keyof typeof platformParameters): string => {
  const [logicalId] = Object.keys(template.findParameters("*", { Default: parameterName("prod", name) }));
  return logicalId ?? expect.unreachable(`no parameter reads ${name}`);
};

const read = (template: Template, name: keyof typeof platformParameters) => ({ Ref: parameterOf(template, name) });

describe("a publisher in another repository", { timeout: 600_000 }, () => {
  const { stack } = createOtherApp();
  const template = Template.fromStack(stack);
  const zone = (index: number, name: "subnet-ids") => ({
    "Fn::Select": [index, { "Fn::Split": [",", read(template, name)] }],
  });

  it("looks up nothing at synth: every value is an SSM parameter that the deploy reads", () => {
    const { app } = createOtherApp();

    const { manifest } = app.synth();

    expect(manifest.missing).toBeUndefined();
    for (const { Type, Default } of Object.values(
      template.findParameters("*", { Default: Match.stringLikeRegexp("vezta") }),
    )) {
      expect([Type, parameterNames.map((name) => `/vezta-realtime/prod/${name}`).includes(Default)]).toEqual([
        "AWS::SSM::Parameter::Value<String>",
        true,
      ]);
    }
  });

  it("runs in two of the environment's subnets, in the environment's security group for publishers", () => {
    template.hasResourceProperties("AWS::Lambda::Function", {
      VpcConfig: {
        SubnetIds: [zone(0, "subnet-ids"), zone(1, "subnet-ids")],
        SecurityGroupIds: [read(template, "security-group-id")],
      },
    });
    // It owns no rule in a group of the platform.
    template.resourceCountIs("AWS::EC2::SecurityGroupIngress", 0);
    template.resourceCountIs("AWS::EC2::SecurityGroup", 0);
  });

  it("gets the variables that publish() reads, the queue only if there is a managed edge", () => {
    const [condition] = Object.keys(template.findConditions("*"));

    template.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: {
          RT_REDIS_URL: read(template, "redis-url"),
          RT_REDIS_CLUSTER: "true",
          RT_REDIS_USERNAME: "publisher",
          RT_REDIS_SECRET_ARN: read(template, "redis-secret-arn"),
          RT_FAILURE_QUEUE_URL: { Ref: Object.keys(template.findResources("AWS::SQS::Queue"))[0] },
          RT_MAXIMUM_CLOCK_SKEW_MS: read(template, "maximum-clock-skew-ms"),
          RT_EDGE_QUEUE_URL: { "Fn::If": [condition, read(template, "hint-queue-url"), { Ref: "AWS::NoValue" }] },
        },
      },
    });
    expect(Object.values(template.findConditions("*"))).toEqual([
      { "Fn::Not": [{ "Fn::Equals": [read(template, "hint-queue-arn"), "none"] }] },
    ]);
  });

  it("may read one secret, send to its failure and retry queues, read the latter and leave hints, and nothing more", () => {
    const policies = Object.values<Resource & { Condition?: string }>(
      template.findResources("AWS::IAM::Policy") as never,
    );
    const statements = policies.flatMap(({ Condition, Properties }) =>
      Properties.PolicyDocument.Statement.map((statement: { Action: unknown; Resource: unknown }) => ({
        action: [statement.Action].flat(),
        resource: statement.Resource,
        isConditional: Condition !== undefined,
      })),
    );
    const [failures, retries] = Object.keys(template.findResources("AWS::SQS::Queue"));

    expect(statements).toHaveLength(5);
    expect(statements).toEqual(
      expect.arrayContaining([
        {
          action: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
          resource: read(template, "redis-secret-arn"),
          isConditional: false,
        },
        {
          action: ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
          resource: { "Fn::GetAtt": [failures, "Arn"] },
          isConditional: false,
        },
        {
          action: ["sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
          resource: { "Fn::GetAtt": [retries, "Arn"] },
          isConditional: false,
        },
        {
          action: expect.arrayContaining(["sqs:ReceiveMessage", "sqs:DeleteMessage"]),
          resource: { "Fn::GetAtt": [retries, "Arn"] },
          isConditional: false,
        },
        { action: ["sqs:SendMessage"], resource: read(template, "hint-queue-arn"), isConditional: true },
      ]),
    );
  });

  it("has a rule on the environment's bus, a failure queue, and alarms that notify the environment's topic", () => {
    template.hasResourceProperties("AWS::Events::Rule", {
      EventBusName: read(template, "bus-name"),
      EventPattern: { source: ["vezta.rewards"], "detail-type": ["RewardGranted"] },
      Targets: [Match.objectLike({ DeadLetterConfig: Match.anyValue() })],
    });
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "ApproximateNumberOfMessagesVisible",
      AlarmActions: [read(template, "alarm-topic-arn")],
      AlarmDescription: "Rewards: events were moved to the failure queue. What to do: docs/runbook.md#events-failed",
    });
  });

  it("shares one platform with the other publishers of its stack", () => {
    const { stack: shared, publisher } = createOtherApp();

    expect(RealtimePlatform.fromEnvironment(publisher, "prod")).toBe(RealtimePlatform.fromEnvironment(shared, "prod"));
  });

  it("has no finding of cdk-nag", () => {
    const { app } = createOtherApp();
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

    expect(readReport(app.synth()).flatMap(({ violations }) => violations)).toEqual([]);
  });
});
