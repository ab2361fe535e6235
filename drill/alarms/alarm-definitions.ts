import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import * as z from "zod";
import { parseConfig } from "../../infra/config/config.ts";
import { RUNBOOK } from "../../infra/constructs/support/alarm-on.ts";
import { createSystem } from "../../infra/system.ts";
import type { AlarmRule } from "./evaluate-alarm.ts";

/** A value of a template: a text; the name in the template of the resource that it refers to; or the expression as JSON. */
const value = z.union([
  z.string(),
  z.object({ Ref: z.string() }).transform(({ Ref }) => Ref),
  z.object({ "Fn::GetAtt": z.tuple([z.string(), z.string()]) }).transform(({ "Fn::GetAtt": [resource] }) => resource),
  z.looseObject({}).transform((expression) => JSON.stringify(expression)),
]);

const properties = z.object({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: value })).default([]),
  Statistic: z.string().optional(),
  ExtendedStatistic: z.string().optional(),
  Period: z.number(),
  Threshold: z.number(),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.number().optional(),
  ComparisonOperator: z.enum(["GreaterThanThreshold", "LessThanThreshold"]),
  TreatMissingData: z.enum(["missing", "ignore", "breaching", "notBreaching"]).default("missing"),
  AlarmDescription: z.string(),
});

/** The metric of an alarm. */
export interface AlarmMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** In CloudWatch's words: `Sum`, `Maximum`, `p99`, … */
  readonly statistic: string;
  readonly periodSeconds: number;
}

/** An alarm as the template defines it. */
export interface AlarmDefinition {
  readonly logicalId: string;
  readonly stack: string;
  /** The section of docs/runbook.md that its description names. */
  readonly section: string;
  readonly metric: AlarmMetric;
  readonly rule: AlarmRule;
}

const mathSchema = z.looseObject({
  Metrics: z.array(
    z.looseObject({
      MetricStat: z.object({ Metric: z.looseObject({}), Period: z.number(), Stat: z.string() }).optional(),
    }),
  ),
});

/** Returns an alarm on the sum of one metric over several functions as if it were on that of the first. */
function withOneMetric(resource: unknown): unknown {
  const math = mathSchema.safeParse(resource).data;
  const stat = math?.Metrics.find(({ MetricStat }) => MetricStat)?.MetricStat;
  return math && stat ? { ...math, ...stat.Metric, Period: stat.Period, Statistic: stat.Stat } : resource;
}

function toDefinition(stack: string, logicalId: string, resource: unknown): AlarmDefinition {
  const alarm = properties.parse(withOneMetric(resource));
  return {
    ...{ stack, logicalId },
    section: alarm.AlarmDescription.split(RUNBOOK)[1] ?? "",
    metric: {
      namespace: alarm.Namespace,
      name: alarm.MetricName,
      dimensions: Object.fromEntries(alarm.Dimensions.map(({ Name, Value }) => [Name, Value])),
      statistic: alarm.Statistic ?? alarm.ExtendedStatistic ?? "",
      periodSeconds: alarm.Period,
    },
    rule: {
      threshold: alarm.Threshold,
      isAbove: alarm.ComparisonOperator === "GreaterThanThreshold",
      evaluationPeriods: alarm.EvaluationPeriods,
      datapointsToAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods,
      missingData: alarm.TreatMissingData,
    },
  };
}

interface Template {
  readonly Resources?: Readonly<Record<string, { readonly Type: string; readonly Properties: unknown }>>;
}

const actionsSchema = z.looseObject({ AlarmActions: z.array(z.unknown()).default([]) });

/** False for an alarm that only starts tasks, as those of autoscaling do. */
const notifiesTopic = (resource: unknown): boolean =>
  JSON.stringify(actionsSchema.parse(resource).AlarmActions).includes("Topic");

/** Reads the alarms of templates that notify people, by stack. */
export const readAlarms = (templates: ReadonlyMap<string, Template>): AlarmDefinition[] =>
  [...templates].flatMap(([stack, { Resources = {} }]) =>
    Object.entries(Resources).flatMap(([logicalId, { Type, Properties }]) =>
      Type === "AWS::CloudWatch::Alarm" && notifiesTopic(Properties)
        ? [toDefinition(stack, logicalId, Properties)]
        : [],
    ),
  );

const contextSchema = z.looseObject({ environments: z.record(z.string(), z.looseObject({})) });

const CDK_JSON = join(import.meta.dirname, "../../cdk.json");

/** Synthesises the environment `prod` of cdk.json with both edges, and returns its alarms. */
export function synthesizeAlarms(): AlarmDefinition[] {
  const context = contextSchema.parse(JSON.parse(readFileSync(CDK_JSON, "utf8")).context);
  const fields = { ...context.environments.prod, alarmEmail: "alarms@example.com", managedEdge: { enabled: true } };
  // Without the functions' code: bundling takes seconds, and no alarm depends on it.
  const app = new App({ context: { ...context, "aws:cdk:bundling-stacks": [] } });
  createSystem(app, parseConfig("prod", { prod: fields }));
  return readAlarms(new Map(app.synth().stacks.map(({ stackName, template }) => [stackName, template])));
}
