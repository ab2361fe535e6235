import { Server } from "socket.io";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NAMESPACE } from "../../contract/endpoints.ts";
import { reportConnections } from "../../gateway/embedded-metrics.ts";
import type { GatewayNamespace } from "../../gateway/socket-io/socket.ts";
import { synthesize } from "../infra/synthesize.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the number of connections in the log", () => {
  it("is the metric that autoscaling follows, of the gateway's own environment", () => {
    const lines: string[] = [];
    const namespace: GatewayNamespace = new Server().of(NAMESPACE);

    reportConnections({ namespace, environment: "test", write: (line) => lines.push(line) });
    vi.advanceTimersByTime(60_000);

    const line = JSON.parse(lines[0] ?? "");
    const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
    const followed = synthesize({})
      .ofType("AWS::ApplicationAutoScaling::ScalingPolicy")
      .flatMap(
        ({ Properties }) => Properties.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification ?? [],
      );
    expect(lines).toHaveLength(2);
    expect(followed).toMatchObject([
      {
        Namespace,
        MetricName: Metrics[0].Name,
        Dimensions: Dimensions[0].map((name: string) => ({ Name: name, Value: line[name] })),
      },
    ]);
    expect(line[Metrics[0].Name]).toBe(0);
  });
});
