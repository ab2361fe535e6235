import { Duration } from "aws-cdk-lib";
import { GraphWidget, type IMetric, type IWidget, MathExpression, TextWidget } from "aws-cdk-lib/aws-cloudwatch";
import type { GatewayMetricName } from "../../../kernel/operations/gateway-metrics.ts";
import { EVENT_TO_PUBLISH, FROZEN_STREAMS, PUBLISH_METRICS } from "../../../kernel/streams/publish-metrics.ts";
import { gatewayMetric } from "./gateway-alarms.ts";

/** Widgets of a dashboard that stand beside each other. */
export type DashboardRow = readonly IWidget[];

const WIDTH = 24;

const heading = (text: string): DashboardRow => [new TextWidget({ markdown: `## ${text}`, width: WIDTH, height: 1 })];

const graph = (title: string, metrics: readonly IMetric[], columns = 4): IWidget =>
  new GraphWidget({ title, left: [...metrics], width: WIDTH / columns, height: 6, leftYAxis: { min: 0 } });

/**
 * Returns the metrics of AWS that a search finds by words of their names. Not by reference: a stack whose queue or function
 * another stack names could not remove it, and functions that are added later would be missing here.
 */
const search = (schema: string, metricName: string, { words = "", statistic = "Maximum" } = {}): MathExpression =>
  new MathExpression({
    expression: `SEARCH('{${schema}} MetricName="${metricName}" ${words}', '${statistic}')`,
    usingMetrics: {},
    label: "",
    period: Duration.minutes(1),
  });

/** The rows on the gateways, and on Redis as they see it. */
export function gatewayRows(environmentName: string, words: string): readonly DashboardRow[] {
  const metric = (name: GatewayMetricName, statistic: string, label?: string): IMetric =>
    gatewayMetric(environmentName, name, statistic).with({ label: label ?? `${name} ${statistic}` });
  const ecs = (name: string) => search("AWS/ECS,ClusterName,ServiceName", name, { words, statistic: "Average" });
  return [
    heading("Are clients served?"),
    [
      graph("Connections of a task", [metric("Connections", "Average"), metric("Connections", "Maximum")]),
      graph("Refused connections", [
        metric("RefusedFull", "Sum", "task full"),
        metric("RefusedUnavailable", "Sum", "issuer unreachable"),
        metric("RefusedTokens", "Sum", "invalid or expired token"),
      ]),
      graph("From publish to socket write (ms)", [
        metric("PublishToWriteMs", "p50"),
        metric("PublishToWriteMs", "p99"),
      ]),
      graph("Messages to clients", [metric("Deliveries", "Sum")]),
    ],
    heading("Gateway tasks"),
    [
      graph("Event loop delay of the slowest task (ms)", [metric("EventLoopDelayMs", "Maximum")]),
      graph("CPU and memory (%)", [ecs("CPUUtilization"), ecs("MemoryUtilization")]),
      graph("Slow consumers disconnected", [metric("SlowConsumers", "Sum")]),
      graph("Tasks that drain, and tasks that report (lines a minute)", [
        metric("Draining", "Sum"),
        metric("Connections", "SampleCount"),
      ]),
    ],
    heading("Redis"),
    [
      graph("Unreachable for a task (1), and round trip (ms)", [
        metric("RedisUnreachable", "Maximum"),
        metric("RedisRoundTripMs", "Average"),
      ]),
      graph("Memory of the fullest primary (%), and evicted keys", [
        metric("RedisMemoryPercent", "Maximum"),
        metric("RedisEvictedKeys", "Maximum"),
      ]),
      graph("Gaps in streams: filled, and lost", [metric("EntriesRepaired", "Sum"), metric("EntriesLost", "Sum")]),
      graph("Engine CPU of all caches of the region (%)", [
        search("AWS/ElastiCache,CacheClusterId,CacheNodeId", "EngineCPUUtilization"),
      ]),
    ],
  ];
}

/** The rows on what becomes of domain events. */
export function eventRows(words: string): readonly DashboardRow[] {
  const { namespace } = PUBLISH_METRICS;
  const ours = `${namespace},service,FunctionName`;
  return [
    heading("Domain events"),
    [
      graph("Events in failure queues", [
        search("AWS/SQS,QueueName", "ApproximateNumberOfMessagesVisible", { words: `${words} Failures` }),
      ]),
      graph("From event to publish (ms)", [search(ours, EVENT_TO_PUBLISH, { words, statistic: "p99" })]),
      graph("Errors of functions", [search("AWS/Lambda,FunctionName", "Errors", { words, statistic: "Sum" })]),
      graph("Frozen streams, and how late the Kinesis stream is read (ms)", [
        search(ours, FROZEN_STREAMS, { words }),
        search("AWS/Lambda,FunctionName", "IteratorAge", { words }),
      ]),
    ],
  ];
}

/** The rows on the managed edge. */
export function managedEdgeRows(words: string): readonly DashboardRow[] {
  return [
    heading("Managed edge"),
    [
      graph("Age of the oldest hint (s)", [
        search("AWS/SQS,QueueName", "ApproximateAgeOfOldestMessage", { words: `${words} Hints` }),
      ]),
      graph("Server errors of all WebSocket APIs of the region", [
        search("AWS/ApiGateway,ApiId", "IntegrationError", { statistic: "Sum" }),
      ]),
      graph("Connections opened, of all WebSocket APIs of the region", [
        search("AWS/ApiGateway,ApiId", "ConnectCount", { statistic: "Sum" }),
      ]),
      graph("Duration of functions (ms)", [
        search("AWS/Lambda,FunctionName", "Duration", { words: `${words} managed` }),
      ]),
    ],
  ];
}
