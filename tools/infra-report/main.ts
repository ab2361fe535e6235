/** `npm run infra:report`: reports what synth checks offline, and the size and cold start of the functions. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import picocolors from "picocolors";
import * as z from "zod";
import { messageOf } from "../../kernel/as-error.ts";
import { flag, readCommandLine } from "../command-line.ts";
import { type BundleFigures, type ColdStart, measureBundles, measureColdStart } from "./function-report.ts";
import { countRules, type RuleCounts } from "./rule-counts.ts";
import { type SynthReport, synthesizeEnvironment } from "./synth-report.ts";

const { bold, dim } = picocolors;
const root = join(import.meta.dirname, "../..");

const options = readCommandLine({
  usage: "npm run infra:report -- [--json]",
  flags: ["json"],
  schema: z.object({ json: flag }),
});
const progress = (text: string): void => console.error(dim(text));

const cdkSchema = z.looseObject({ context: z.looseObject({ environments: z.record(z.string(), z.unknown()) }) });
const cdk = cdkSchema.parse(JSON.parse(readFileSync(join(root, "cdk.json"), "utf8")));

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} kB`;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const columns = (cells: readonly (string | number)[]): string =>
  cells.map((cell, index) => (index === 0 ? String(cell).padEnd(14) : String(cell).padStart(11))).join("");

const rowOf = ({ environment, seconds, stacks, findings, accepted }: InfraReport["environments"][number]): string =>
  columns([
    environment,
    stacks.length,
    sum(stacks.map(({ resources }) => resources)),
    findings.length,
    accepted,
    kilobytes(sum(stacks.map(({ templateBytes }) => templateBytes))),
    `${seconds.toFixed(1)} s`,
  ]);

interface InfraReport {
  readonly environments: readonly Omit<SynthReport, "assembly">[];
  readonly rules: RuleCounts;
  readonly bundles: BundleFigures;
  readonly coldStart: ColdStart;
}

async function measure(): Promise<InfraReport> {
  const synths: SynthReport[] = [];
  for (const environment of Object.keys(cdk.context.environments)) {
    progress(`synthesising ${environment} without AWS, network or Docker …`);
    synths.push(await synthesizeEnvironment(environment, process.env.PATH ?? ""));
  }
  const assembly = synths.at(-1)?.assembly ?? "";
  progress("measuring bundles and cold starts …");
  const bundles = measureBundles(assembly);
  const coldStart = await measureColdStart(assembly);
  for (const synth of synths) rmSync(synth.assembly, { recursive: true });
  const environments = synths.map(({ assembly: _assembly, ...figures }) => figures);
  return { environments, rules: countRules(), bundles, coldStart };
}

function print({ environments, rules, bundles, coldStart }: InfraReport): void {
  const findings = environments.flatMap(({ environment, findings }) =>
    findings.map((name) => `${environment}: ${name}`),
  );
  const zipped = `${kilobytes(bundles.gzippedBytes)} zipped`;
  console.log(`
${bold(columns(["environment", "stacks", "resources", "findings", "accepted", "templates", "synth"]))}
${environments.map(rowOf).join("\n")}
${findings.map((finding) => dim(`  ${finding}`)).join("\n")}

${bold("synthesised")}    without AWS credentials or Docker, with ${environments[0]?.network}
${bold("checked by")}     cdk-nag AwsSolutions: ${rules.nag} rules
               AWS's template validator: ${rules.cloudFormation} rules, ${rules.schemas} resource schemas
               our own assertions: npx vitest run test/infra
${bold("functions")}      ${bundles.bundles} bundles, the largest ${kilobytes(bundles.bytes)} (${zipped})
               cold start on this machine ${coldStart.initMs.toFixed(0)} ms, first event ${coldStart.firstEventMs.toFixed(0)} ms (medians of ${coldStart.runs})`);
}

try {
  const report = await measure();
  if (options.json) console.log(JSON.stringify(report, undefined, 2));
  else print(report);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
