import { describe, expect, it } from "vitest";
import { gatewayMetrics } from "../../kernel/operations/gateway-metrics.ts";
import { only, synthesize, variants } from "./synthesize.ts";

describe.each(["prod", "both edges", "the managed edge alone", "no internet access"])("the dashboard of %s", (name) => {
  const synthesis = synthesize(variants[name]);
  const dashboard = only(synthesis, "AWS::CloudWatch::Dashboard");
  const body = JSON.stringify(dashboard.Properties.DashboardBody);

  it("shows every alarm, without keeping a stack from removing one", () => {
    const alarms = synthesis
      .ofType("AWS::CloudWatch::Alarm")
      .filter(({ Properties }) => JSON.stringify(Properties.AlarmActions).includes("Topic"));

    for (const { logicalId } of alarms) expect(body).toContain(logicalId);
    expect(body).not.toContain("Fn::ImportValue");
  });

  it("shows every metric that the gateways write", () => {
    const named = Object.keys(gatewayMetrics).filter((metric) => body.includes(`\\"${metric}\\"`));

    // Bytes are in the bill, and in Prometheus.
    const expected = synthesis.config.gateway.enabled
      ? Object.keys(gatewayMetrics).filter((metric) => metric !== "SentBytes")
      : [];
    expect(named).toEqual(expected);
  });
});
