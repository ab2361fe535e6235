import { CfnBucket } from "aws-cdk-lib/aws-s3";
import { CfnQueue } from "aws-cdk-lib/aws-sqs";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../infra/config/config.ts";
import { createSystem } from "../../infra/system.ts";
import { createApp, synthesize, synthesizeApp, variants } from "./synthesize.ts";

/** The length of the shortest meaningful reason. */
const SHORTEST_REASON = 15;

describe.each(Object.entries(variants))("%s", (_name, fields) => {
  const { assembly, report, resources } = synthesize(fields);

  it("has no finding of cdk-nag or of CloudFormation's schemas", () => {
    const findings = report.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName));

    // Every synth of a trial without a domain warns of plain HTTP, and one with the examples of cdk.json of these.
    const intended = ["Annotation::vezta:plain-http", "Annotation::vezta:example-value"];
    expect(findings.filter((name) => !intended.includes(name))).toEqual([]);
    expect(report.map(({ pluginName }) => pluginName)).toContain("AwsSolutions");
    expect(resources.length).toBeGreaterThan(100);
  });

  it("gives a reason for every finding that it accepts", () => {
    const accepted = report.flatMap(({ suppressedViolations }) => suppressedViolations);

    expect(accepted.filter(({ reason = "" }) => reason.length < SHORTEST_REASON)).toEqual([]);
  });

  it("needs no look-up in AWS at synth", () => {
    expect(assembly.manifest.missing ?? []).toEqual([]);
  });
});

describe("the checks themselves", { timeout: 600_000 }, () => {
  const build = (name = "test") => {
    const app = createApp();
    const config = parseConfig(name, { [name]: {} });
    return { app, config, system: createSystem(app, config) };
  };

  it("refuse a queue without encryption in transit", () => {
    const { app, config, system } = build();
    new CfnQueue(system.alarms, "Careless");

    expect(() => synthesizeApp(app, config)).toThrow(/SQS4/);
  });

  it("find a value that CloudFormation would refuse", () => {
    const { app, config, system } = build();
    const bucket = system.gateway?.node.findAll().find((child) => child instanceof CfnBucket);
    bucket?.addPropertyOverride("VersioningConfiguration.Status", "Perhaps");

    const findings = synthesizeApp(app, config).report.flatMap(({ violations }) => violations);

    expect(findings.map(({ ruleName }) => ruleName)).toContain("W3030");
  });
});
