/** `npm run autoscaling`: what the deployed scaling policies do to clients over days of load, and what that costs. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import picocolors from "picocolors";
import * as z from "zod";
import { parseConfig } from "../../infra/config/config.ts";
import { readCommandLine } from "../command-line.ts";
import { synthesizeEnvironment } from "../infra-report/synth-report.ts";
import { readScalingRules, type ScalingRules } from "./scaling-rules.ts";
import { scenarios } from "./scenarios.ts";
import { type Outcome, simulate } from "./simulate.ts";

const { bold, dim, green, red } = picocolors;

const USAGE = `usage: npm run autoscaling -- [--environment NAME] [--json]

Synthesizes the environment (prod), reads its scaling policies and alarms from the template, and runs them against
three days, a spike and the loss of a zone by the documented rules of Application Auto Scaling.

  --environment  an environment of cdk.json
  --json         the outcomes as JSON`;

const options = readCommandLine({
  usage: USAGE,
  texts: ["environment"],
  flags: ["json"],
  schema: z.object({ environment: z.string().default("prod"), json: z.boolean().default(false) }),
});

const cdkSchema = z.looseObject({ context: z.looseObject({ environments: z.record(z.string(), z.unknown()) }) });
const templateSchema = z.looseObject({ Resources: z.record(z.string(), z.unknown()) });

async function rulesOf(environment: string): Promise<ScalingRules> {
  const cdk = cdkSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, "../../cdk.json"), "utf8")));
  const { network } = parseConfig(environment, cdk.context.environments);
  console.error(dim(`synthesizing ${environment} …`));
  const { assembly, stacks } = await synthesizeEnvironment(environment, process.env.PATH ?? "");
  const name = stacks.find((stack) => stack.name.endsWith("-gateway"))?.name;
  if (name === undefined) throw new Error(`${environment} has no gateway`);
  const { Resources } = templateSchema.parse(JSON.parse(readFileSync(join(assembly, `${name}.template.json`), "utf8")));
  rmSync(assembly, { recursive: true });
  return readScalingRules(Resources, network.availabilityZones);
}

const columns = (cells: readonly string[]): string =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(34) : cell.padStart(12))).join("");

const zeroIsGood = (value: number): string => {
  const text = value.toLocaleString("en").padStart(12);
  return value === 0 ? green(text) : red(text);
};

const rowOf = (outcome: Outcome): string =>
  outcome.scenario.padEnd(34) +
  zeroIsGood(outcome.refused) +
  zeroIsGood(outcome.minutesOfRefusals) +
  columns([
    "",
    outcome.waitingAtWorst.toLocaleString("en"),
    outcome.moved.toLocaleString("en"),
    String(outcome.mostTasks),
    `${Math.round(outcome.fullestShare * 100)} %`,
    `$${outcome.dollars.toFixed(2)}`,
  ]).slice(34);

const rules = await rulesOf(options.environment);
const outcomes = scenarios.map((scenario) => simulate(rules, scenario));
if (options.json) console.log(JSON.stringify({ rules, outcomes }, null, 2));
else {
  console.log(bold(columns(["load", "refused", "minutes", "without", "moved", "most tasks", "fullest", "cost"])));
  for (const outcome of outcomes) console.log(rowOf(outcome));
}
