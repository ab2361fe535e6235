import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { reportMetrics } from "../../gateway/embedded-metrics.ts";
import { createMetrics } from "../../gateway/metrics.ts";
import { gatewayMetrics } from "../../kernel/operations/gateway-metrics.ts";
import { synthesize } from "../infra/synthesize.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Reports to `lines`, twice a minute. */
function start() {
  const lines: string[] = [];
  const metrics = createMetrics();
  let latencies: readonly number[] = [];
  const { stop } = reportMetrics({
    metrics,
    connections: () => 3,
    takeLatencies: () => latencies,
    environment: "test",
    intervalMs: 30_000,
    write: (line) => lines.push(line),
  });
  const next = async () => {
    await vi.advanceTimersByTimeAsync(30_000);
    return JSON.parse(lines.at(-1) ?? "{}");
  };
  const setLatencies = (values: readonly number[]): void => {
    latencies = values;
  };
  return { metrics, next, setLatencies, stop };
}

describe("the metrics in the log", () => {
  it("have the one that autoscaling follows, of the gateway's own environment", async () => {
    const line = await start().next();

    const [{ Namespace, Dimensions }] = line._aws.CloudWatchMetrics;
    const followed = synthesize({})
      .ofType("AWS::ApplicationAutoScaling::ScalingPolicy")
      .flatMap(
        ({ Properties }) => Properties.TargetTrackingScalingPolicyConfiguration?.CustomizedMetricSpecification ?? [],
      );
    expect(line.Connections).toBe(3);
    expect(followed).toMatchObject([
      {
        Namespace,
        MetricName: "Connections",
        Dimensions: Dimensions[0].map((name: string) => ({ Name: name, Value: line[name] })),
      },
    ]);
  });

  it("count what was added since the last line", async () => {
    const { metrics, next } = start();
    await next();
    metrics.connectionsRefused.inc({ code: "full" }, 2);
    metrics.connectionsRefused.inc({ code: "token_expired" });
    metrics.connectionsRefused.inc({ code: "origin" });
    metrics.slowConsumers.inc();

    expect(await next()).toMatchObject({ RefusedFull: 2, RefusedTokens: 1, RefusedUnavailable: 0, SlowConsumers: 1 });
    expect(await next()).toMatchObject({ RefusedFull: 0, RefusedTokens: 0, SlowConsumers: 0 });
  });

  it("say that Redis cannot be reached, but not where the gateway is full or drains", async () => {
    const { metrics, next } = start();
    metrics.notReadyReason.set({ reason: "full" }, 1);
    expect(await next()).toMatchObject({ RedisUnreachable: 0 });
    metrics.notReadyReason.reset();
    metrics.notReadyReason.set({ reason: "password_refused" }, 1);
    expect(await next()).toMatchObject({ RedisUnreachable: 1 });
  });

  it("have the memory of the fullest primary, in percent of its limit", async () => {
    const { metrics, next } = start();
    metrics.redisUsedMemory.set({ primary: "a:1" }, 10);
    metrics.redisMaximumMemory.set({ primary: "a:1" }, 100);
    metrics.redisUsedMemory.set({ primary: "b:1" }, 80);
    metrics.redisMaximumMemory.set({ primary: "b:1" }, 100);
    metrics.redisRoundTrip.observe(0.002);
    metrics.redisRoundTrip.observe(0.004);

    const line = await next();

    expect(line.RedisMemoryPercent).toBe(80);
    expect(line.RedisRoundTripMs).toBeCloseTo(3);
  });

  it("leave out what is unknown, and declare exactly the values that they have", async () => {
    const { next, setLatencies } = start();
    const first = await next();
    setLatencies([1, 5]);
    const second = await next();

    const declared = (line: typeof first) =>
      line._aws.CloudWatchMetrics[0].Metrics.map(({ Name }: { Name: string }) => Name);
    const unknown = ["PublishToWriteMs", "RedisRoundTripMs", "RedisMemoryPercent"];
    expect(declared(first)).toEqual(Object.keys(gatewayMetrics).filter((name) => !unknown.includes(name)));
    expect(declared(first).every((name: string) => typeof first[name] === "number")).toBe(true);
    expect(second.PublishToWriteMs).toEqual([1, 5]);
  });
});
