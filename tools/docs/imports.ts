/** `npm run docs:imports`: draws the imports between the rooms into docs/architecture.md, as dependency-cruiser finds them. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { mayImport } from "../../.dependency-cruiser.mjs";
import { between } from "../../bench/generated-text.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = join(ROOT, "docs/architecture.md");

const cruiseSchema = z.object({
  modules: z.array(z.object({ source: z.string(), dependencies: z.array(z.object({ resolved: z.string() })) })),
});

const roomOf = (path: string): string => path.split("/")[0] ?? path;

/** Counts the files of each room that import another room. */
function countImports(): Map<string, number> {
  const rooms = Object.keys(mayImport);
  const command = [...rooms, "--config", ".dependency-cruiser.mjs", "--output-type", "json"];
  const output = execFileSync(join(ROOT, "node_modules/.bin/depcruise"), command, { cwd: ROOT, maxBuffer: 2 ** 28 });
  const { modules } = cruiseSchema.parse(JSON.parse(output.toString()));
  const counts = new Map<string, number>();
  for (const { source, dependencies } of modules) {
    const others = new Set(dependencies.map(({ resolved }) => roomOf(resolved)));
    for (const other of others) {
      if (other === roomOf(source) || !rooms.includes(other) || !rooms.includes(roomOf(source))) continue;
      const edge = `${roomOf(source)} ${other}`;
      counts.set(edge, (counts.get(edge) ?? 0) + 1);
    }
  }
  return counts;
}

/** Draws the imports as a Mermaid flow chart. */
function drawImports(): string {
  const edges = [...countImports()]
    .map(([edge, files]) => ({ edge, files }))
    .toSorted((one, other) => one.edge.localeCompare(other.edge, "en"))
    .map(({ edge, files }) => `  ${edge.replace(" ", ` -- ${files} --> `)}`);
  return ["```mermaid", "flowchart TB", ...edges, "```"].join("\n");
}

writeFileSync(PAGE, between(readFileSync(PAGE, "utf8"), "imports", drawImports()));
