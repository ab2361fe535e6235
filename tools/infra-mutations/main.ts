/** `npm run infra:mutations`: makes deliberate mistakes in the templates, and counts those that the reference model sees. */
import picocolors from "picocolors";
import * as z from "zod";
import { flag, readCommandLine } from "../command-line.ts";
import { countCaught, runMutations } from "./run.ts";

const options = readCommandLine({
  usage: `npm run infra:mutations [-- --json | --all]

Synthesises the environments, makes one mistake after the other in a copy of the templates, and prints how many the
reference model (tools/template-model) sees, by area. Needs neither AWS nor Docker.

  --all    print every mistake with the first thing that the model says of it
  --json   print the counts, and the mistakes that are not seen, as JSON`,
  flags: ["json", "all"],
  schema: z.object({ json: flag, all: flag }),
});

const results = runMutations();
const counts = countCaught(results);
const unseen = results.filter(({ problems }) => problems.length === 0);

if (options.json) {
  console.log(JSON.stringify({ counts, unseen: unseen.map(({ area, name }) => ({ area, name })) }));
} else {
  if (options.all) {
    for (const { area, name, problems } of results)
      console.log(`${area}: ${name}\n  ${picocolors.dim(problems[0] ?? "")}`);
  }
  for (const { area, caught, all } of counts) {
    console.log(
      `${area.padEnd(20)} ${String(caught).padStart(4)} of ${String(all).padStart(4)}  ${Math.floor((100 * caught) / all)} %`,
    );
  }
  for (const { area, name } of unseen) console.log(picocolors.red(`not seen: ${area}: ${name}`));
}
