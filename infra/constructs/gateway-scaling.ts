import { Duration } from "aws-cdk-lib";
import { AdjustmentType } from "aws-cdk-lib/aws-applicationautoscaling";
import { MathExpression, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { FargateService, ScalableTaskCount } from "aws-cdk-lib/aws-ecs";
import { Construct } from "constructs";

/** The bounds of autoscaling, and what it aims at. */
export interface ScalingLimits {
  readonly minTasks: number;
  readonly maxTasks: number;
  /** The most connections of a task. */
  readonly maxConnections: number;
  /** The percentage of CPU that autoscaling aims at, at most; fewer zones allow less. */
  readonly cpuTarget: number;
}

export interface GatewayScalingProps extends ScalingLimits {
  readonly service: FargateService;
  readonly environmentName: string;
  /** The zones that tasks run in. */
  readonly zones: number;
}

/** The share of its places that a task may use where the loss of a zone is not provided for. */
const COMMON_SHARE = 0.7;

/** Fleets beyond this size lose hardly more than their share with a zone. */
const LARGE_FLEET = 100;

/** A task needs some 90 s from its start to its first connection: growing again before would count the same load twice. */
const OUT_COOLDOWN = Duration.minutes(2);

const IN_COOLDOWN = Duration.minutes(15);

/**
 * Returns the share of its places that a task may use, so that the tasks that are left can take the clients of the fullest
 * zone. Worst is one task more than the zones share evenly: of 4 tasks in 3 zones the loss of one zone leaves 2. With
 * fewer tasks than zones the loss of a zone is not provided for.
 */
export function survivableShare(zones: number, minTasks: number): number {
  if (zones < 2 || minTasks < zones) return COMMON_SHARE;
  const sizes = Array.from({ length: LARGE_FLEET }, (_, index) => minTasks + index);
  return Math.min(COMMON_SHARE, ...sizes.map((size) => (size - Math.ceil(size / zones)) / size));
}

/**
 * Autoscaling of the gateway. Two policies keep connections and CPU of a task where the loss of a zone can be borne, a third
 * one grows faster on a sudden crowd. Tasks are stopped only once the fleet is far too large: stopping a task moves its
 * clients, an idle one costs cents an hour. `npm run autoscaling` shows what that does.
 */
export class GatewayScaling extends Construct {
  readonly #scaling: ScalableTaskCount;

  constructor(scope: Construct, id: string, props: GatewayScalingProps) {
    super(scope, id);
    const { service, minTasks, maxTasks, maxConnections, cpuTarget, zones } = props;
    const share = survivableShare(zones, minTasks);
    const targets = {
      connections: Math.floor(maxConnections * share),
      cpu: Math.min(cpuTarget, Math.floor(share * 100)),
    };
    const connections = new Metric({
      namespace: "VeztaRealtime",
      metricName: "Connections",
      dimensionsMap: { Environment: props.environmentName, Service: "gateway" },
      statistic: Stats.AVERAGE,
      period: Duration.minutes(1),
    });
    const cpu = service.metricCpuUtilization({ statistic: Stats.AVERAGE, period: Duration.minutes(1) });
    this.#scaling = service.autoScaleTaskCount({ minCapacity: minTasks, maxCapacity: maxTasks });
    this.#track(connections, targets);
    this.#step(
      new MathExpression({
        expression: `MAX([connections / ${targets.connections}, cpu / ${targets.cpu}])`,
        usingMetrics: { connections, cpu },
        label: "Load over the target",
        period: Duration.minutes(1),
      }),
    );
  }

  #track(metric: Metric, targets: { readonly connections: number; readonly cpu: number }): void {
    // Scaling in by target tracking begins at 90 % of the target, where a task that stops moves the most clients.
    const policy = { disableScaleIn: true, scaleOutCooldown: OUT_COOLDOWN };
    this.#scaling.scaleOnCpuUtilization("Cpu", { targetUtilizationPercent: targets.cpu, ...policy });
    this.#scaling.scaleToTrackCustomMetric("Connections", { metric, targetValue: targets.connections, ...policy });
  }

  #step(metric: MathExpression): void {
    const adjustment = { adjustmentType: AdjustmentType.PERCENT_CHANGE_IN_CAPACITY, minAdjustmentMagnitude: 1 };
    this.#scaling.scaleOnMetric("Crowd", {
      metric,
      ...adjustment,
      scalingSteps: [
        { lower: 1.75, change: 100 },
        { lower: 1.9, change: 300 },
      ],
      evaluationPeriods: 1,
      cooldown: OUT_COOLDOWN,
    });
    this.#scaling.scaleOnMetric("Idle", {
      metric,
      ...adjustment,
      scalingSteps: [
        { upper: 0.3, change: -40 },
        { upper: 0.5, change: -25 },
      ],
      evaluationPeriods: 60,
      cooldown: IN_COOLDOWN,
    });
  }
}
