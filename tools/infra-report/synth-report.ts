import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { type CdkOutcome, runCdk } from "./cdk-command.ts";
import { type ValidationReport, validationReportSchema } from "./validation-report.ts";

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.looseObject({ type: z.string(), properties: z.looseObject({ templateFile: z.string().optional() }).optional() }),
  ),
});

const templateSchema = z.looseObject({ Resources: z.record(z.string(), z.looseObject({ Type: z.string() })) });

export interface StackFigures {
  readonly name: string;
  readonly resources: number;
  readonly templateBytes: number;
}

/** Output and findings of the synth of one environment. */
export interface SynthReport {
  readonly environment: string;
  /** The folder with templates and bundles. */
  readonly assembly: string;
  /** Of the CDK's command line, bundling included. */
  readonly seconds: number;
  readonly network: CdkOutcome["network"];
  readonly stacks: readonly StackFigures[];
  /** Names of the rules that are broken. The one on plain HTTP is meant: a trial says so at every synth. */
  readonly findings: readonly string[];
  /** Findings that are accepted, each with its reason next to the code. */
  readonly accepted: number;
}

/** A synth failed; the message has what the command said. */
export class SynthError extends Error {
  override readonly name = "SynthError";
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

const namesOf = (reports: ValidationReport, key: "violations" | "suppressedViolations"): string[] =>
  reports.flatMap((report) => report[key].map(({ ruleName }) => ruleName));

function readStacks(assembly: string): StackFigures[] {
  const { artifacts } = manifestSchema.parse(readJson(join(assembly, "manifest.json")));
  return Object.entries(artifacts)
    .filter(([, { type }]) => type === "aws:cloudformation:stack")
    .map(([name, { properties }]) => {
      const file = join(assembly, properties?.templateFile ?? "");
      const { Resources } = templateSchema.parse(readJson(file));
      return { name, resources: Object.keys(Resources).length, templateBytes: statSync(file).size };
    });
}

/**
 * Runs `cdk synth` of an environment without AWS, network or Docker.
 *
 * @param path where programs are looked for, as in `PATH`.
 * @throws SynthError with the command's output.
 */
export async function synthesizeEnvironment(environment: string, path: string): Promise<SynthReport> {
  const assembly = mkdtempSync(join(tmpdir(), `vezta-${environment}-`));
  const command = ["synth", "--all", "--quiet", "-c", `environment=${environment}`, "--output", assembly];
  const { code, stderr, seconds, network } = await runCdk(command, path);
  if (code !== 0) throw new SynthError(`cdk ${command.join(" ")} failed:\n${stderr}`);
  const { pluginReports } = validationReportSchema.parse(readJson(join(assembly, "validation-report.json")));
  return {
    environment,
    assembly,
    seconds,
    network,
    stacks: readStacks(assembly),
    findings: namesOf(pluginReports, "violations"),
    accepted: namesOf(pluginReports, "suppressedViolations").length,
  };
}
