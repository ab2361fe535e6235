import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { IApplicationTargetGroup } from "aws-cdk-lib/aws-elasticloadbalancingv2";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import {
  GATEWAY_SERVICE,
  type GatewayMetricName,
  METRICS_NAMESPACE,
} from "../../../kernel/operations/gateway-metrics.ts";
import { type AlarmOnProps, alarmOn } from "../../constructs/support/alarm-on.ts";

/** Returns a metric that the gateways of an environment write to their log, by the minute. */
export const gatewayMetric = (environmentName: string, metricName: GatewayMetricName, statistic: string): Metric =>
  new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { Environment: environmentName, Service: GATEWAY_SERVICE },
    statistic,
    period: Duration.minutes(1),
  });

const PERIOD = Duration.minutes(1);

/** A failover of Redis takes less than a minute, and one bad minute says little of a slow machine. */
const TWO_OF_THREE = { datapoints: 2, periods: 3 };
const THREE_OF_FIVE = { datapoints: 3, periods: 5 };

/** Limits at which somebody has to look. */
const MEMORY_PERCENT = 75;
const EVENT_LOOP_DELAY_MS = 500;
const PUBLISH_TO_WRITE_MS = 1_000;
const SLOW_CONSUMERS_IN_FIVE_MINUTES = 20;
const REFUSED_HANDSHAKES = 5;

export interface GatewayAlarmsProps {
  readonly environmentName: string;
  readonly targets: IApplicationTargetGroup;
  readonly topic: ITopic;
}

type Definition = Omit<AlarmOnProps, "topic">;

const healthAlarms = (targets: IApplicationTargetGroup): Readonly<Record<string, Definition>> => ({
  NoHealthyTask: {
    // Of the zones that report it: one may have no task while the others serve.
    metric: targets.metrics.healthyHostCount({ statistic: "Maximum", period: PERIOD }),
    ...{ threshold: 1, isBelow: true },
    description: "gateway: the load balancer has no healthy task; nobody can connect",
    runbook: "no-healthy-task",
  },
  UnhealthyTask: {
    metric: targets.metrics.unhealthyHostCount({ statistic: "Maximum", period: PERIOD }),
    threshold: 0,
    description: "gateway: a task does not answer the load balancer's health check",
    runbook: "unhealthy-task",
  },
});

function redisAlarms(
  metric: (name: GatewayMetricName, statistic: string) => Metric,
): Readonly<Record<string, Definition>> {
  return {
    RedisUnreachable: {
      metric: metric("RedisUnreachable", "Maximum"),
      ...{ threshold: 0, patience: TWO_OF_THREE },
      description: "gateway: Redis does not serve at least one task",
      runbook: "redis-unreachable",
    },
    RedisMemory: {
      metric: metric("RedisMemoryPercent", "Maximum"),
      ...{ threshold: MEMORY_PERCENT, patience: TWO_OF_THREE },
      description: `Redis: a primary uses more than ${MEMORY_PERCENT} % of its memory; at 100 % nothing is published`,
      runbook: "redis-memory",
    },
  };
}

function serviceAlarms(
  metric: (name: GatewayMetricName, statistic: string) => Metric,
): Readonly<Record<string, Definition>> {
  return {
    NoMetrics: {
      metric: metric("Connections", "SampleCount"),
      ...{ threshold: 1, isBelow: true, patience: { datapoints: 3, periods: 3 } },
      description: "gateway: no task writes metrics; the other alarms of the gateway see nothing",
      runbook: "no-metrics",
    },
    EventLoop: {
      metric: metric("EventLoopDelayMs", "Maximum"),
      ...{ threshold: EVENT_LOOP_DELAY_MS, patience: THREE_OF_FIVE },
      description: `gateway: the event loop of a task is delayed by more than ${EVENT_LOOP_DELAY_MS} ms`,
      runbook: "event-loop",
    },
    LateMessages: {
      metric: metric("PublishToWriteMs", "p99"),
      ...{ threshold: PUBLISH_TO_WRITE_MS, patience: THREE_OF_FIVE },
      description: "gateway: messages reach the sockets more than a second after they were published (99th percentile)",
      runbook: "late-messages",
    },
    Full: {
      metric: metric("RefusedFull", "Sum"),
      ...{ threshold: 0, patience: TWO_OF_THREE },
      description: "gateway: tasks are full and refuse connections",
      runbook: "gateway-full",
    },
    Issuer: {
      metric: metric("RefusedUnavailable", "Sum"),
      ...{ threshold: REFUSED_HANDSHAKES, patience: TWO_OF_THREE },
      description: "gateway: tokens cannot be verified, since the issuer's keys cannot be fetched",
      runbook: "issuer-unreachable",
    },
    SlowConsumers: {
      metric: metric("SlowConsumers", "Sum").with({ period: Duration.minutes(5) }),
      threshold: SLOW_CONSUMERS_IN_FIVE_MINUTES,
      description: `gateway: more than ${SLOW_CONSUMERS_IN_FIVE_MINUTES} slow consumers were disconnected in 5 minutes`,
      runbook: "slow-consumers",
    },
  };
}

/** The alarms of the gateway service and of Redis as it sees it. */
export class GatewayAlarms extends Construct {
  constructor(scope: Construct, id: string, { environmentName, targets, topic }: GatewayAlarmsProps) {
    super(scope, id);
    const metric = (name: GatewayMetricName, statistic: string): Metric =>
      gatewayMetric(environmentName, name, statistic);
    const alarms = { ...healthAlarms(targets), ...redisAlarms(metric), ...serviceAlarms(metric) };
    for (const [name, definition] of Object.entries(alarms)) alarmOn(this, name, { ...definition, topic });
  }
}
