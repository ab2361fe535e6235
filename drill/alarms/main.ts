import { writeFile } from "node:fs/promises";
import colors from "picocolors";
import * as z from "zod";
import { anyOf, readCommandLine } from "../../tools/command-line.ts";
import { synthesizeAlarms } from "./alarm-definitions.ts";
import { alarmFaults } from "./alarm-faults.ts";
import { type FaultResult, runFault } from "./run-fault.ts";

const names = alarmFaults.map(({ name }) => name);

const options = readCommandLine({
  usage: `npm run drill:alarms -- [--faults ${names.slice(0, 2).join(",")},…] [--minute 4] [--json results.json]

Strikes real processes with faults, and runs the alarms of the synthesised templates over the metrics that they wrote.

  --faults   which ones; all by default: ${names.join(", ")}
  --minute   seconds that stand for a minute of CloudWatch; 60 is real time (default 4)
  --json     writes the results to a file`,
  texts: ["faults", "minute", "json"],
  schema: z.object({
    faults: anyOf(names),
    minute: z.coerce.number().min(1).max(60).default(4),
    json: z.string().optional(),
  }),
});

const describeSeen = ({ seen }: FaultResult): string => {
  const { published, notPublished, received, ended, refused } = seen;
  return `${received} messages of ${published} published${notPublished > 0 ? ` (${notPublished} could not be)` : ""}, ${ended} disconnected, ${refused} refused`;
};

const describeFired = ({ fired }: FaultResult): string =>
  fired.length === 0 ? "none" : fired.map(({ section, minute }) => `${section} (${minute} min)`).join(", ");

function metricsOf({ fired }: FaultResult): string {
  const metrics = fired.flatMap(
    ({ logicalId }) => definitions.find((each) => each.logicalId === logicalId)?.metric ?? [],
  );
  return metrics.map(({ name, statistic }) => `${name} ${statistic}`).join(", ") || "–";
}

const definitions = synthesizeAlarms();
const results: FaultResult[] = [];
console.log(`${definitions.length} alarms in the templates; ${options.minute} s are a minute\n`);
console.log(
  "| fault | metric | alarms, each a section of docs/runbook.md | what two clients saw |\n| --- | --- | --- | --- |",
);
for (const fault of alarmFaults.filter(({ name }) => options.faults.includes(name))) {
  const result = await runFault(fault, definitions, options.minute * 1_000);
  results.push(result);
  console.log(
    `| ${fault.name}: ${fault.description} | ${metricsOf(result)} | ${describeFired(result)} | ${describeSeen(result)} |`,
  );
  for (const problem of result.problems) console.log(colors.red(`  ${problem}`));
}
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
const wrong = results.filter(({ problems }) => problems.length > 0).length;
console.log(`\n${results.length - wrong} of ${results.length} faults as they must be`);
process.exit(wrong > 0 ? 1 : 0);
