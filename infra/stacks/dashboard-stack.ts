import { CfnOutput, ReferenceStrength, Stack, type StackProps } from "aws-cdk-lib";
import { StepScalingPolicy } from "aws-cdk-lib/aws-applicationautoscaling";
import {
  Alarm,
  AlarmStatusWidget,
  Dashboard,
  type IAlarm,
  PeriodOverride,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { EnvironmentConfig } from "../config/config.ts";
import { eventRows, gatewayRows, managedEdgeRows } from "./support/dashboard-rows.ts";

export interface DashboardStackProps extends StackProps {
  /** The stacks whose alarms the dashboard shows first. */
  readonly watched: readonly Stack[];
  readonly config: Pick<EnvironmentConfig, "name" | "gateway" | "managedEdge">;
}

const INTRODUCTION = `
Read from top to bottom: the alarms; what clients get; then the parts, in the order in which a message passes them backwards.
Each alarm has its section in docs/runbook.md, which its description names.
`.trim();

/** Alarms beside each other; the widget is as high as its rows. */
const ALARMS_IN_A_ROW = 4;

/** One page on which an operator sees what is wrong: alarms first, then what clients get, then the parts behind. */
export class DashboardStack extends Stack {
  constructor(scope: Construct, id: string, { watched, config, ...props }: DashboardStackProps) {
    super(scope, id, props);
    const alarms = watched.flatMap((stack) => this.#alarmsOf(stack));
    const words = `${config.name.replaceAll("-", " ")} realtime`;
    const dashboard = new Dashboard(this, "Dashboard", { periodOverride: PeriodOverride.AUTO });
    const height = 2 + Math.ceil(alarms.length / ALARMS_IN_A_ROW);
    dashboard.addWidgets(new TextWidget({ markdown: INTRODUCTION, width: 24, height: 2 }));
    dashboard.addWidgets(new AlarmStatusWidget({ title: "Alarms", alarms, width: 24, height }));
    const rows = [
      ...(config.gateway.enabled ? gatewayRows(config.name, words) : []),
      ...eventRows(words),
      ...(config.managedEdge.enabled ? managedEdgeRows(words) : []),
    ];
    for (const row of rows) dashboard.addWidgets(...row);
    new CfnOutput(this, "DashboardName", {
      value: dashboard.dashboardName,
      description: "The dashboard in CloudWatch, to open when an alarm fires",
    });
  }

  /** By weak references: a stack can remove an alarm although the dashboard shows it. */
  #alarmsOf(stack: Stack): readonly IAlarm[] {
    const all = stack.node.findAll().filter((child) => child instanceof Alarm);
    // Those of autoscaling start tasks and call nobody.
    const alarms = all.filter(({ node }) => !(node.scope instanceof StepScalingPolicy));
    for (const alarm of alarms) alarm.applyCrossStackReferenceStrength(ReferenceStrength.WEAK);
    return alarms;
  }
}
