import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { between } from "../generated-text.ts";
import { drawCharts } from "./charts.ts";
import { toMarkdown } from "./report.ts";
import { type Row, toJson } from "./row.ts";
import type { Shape, ShapeName } from "./shapes.ts";

const DOCS = join(import.meta.dirname, "../../docs");
const CHARTS = join(DOCS, "charts");
const PAGE = join(DOCS, "performance.md");

/** The rows that the page and its charts are made of. */
export const DOCUMENTED_ROWS = join(CHARTS, "fan-out.json");

export interface Documentation {
  readonly rows: readonly Row[];
  readonly shapes: ReadonlyMap<ShapeName, Shape>;
  /** When and on what the rows were measured; left as it is where it is not known. */
  readonly conditions?: string | undefined;
}

/** Writes the generated parts of docs/performance.md and its charts. */
export async function writeDocumentation({ rows, shapes, conditions }: Documentation): Promise<void> {
  const charts = await drawCharts(rows);
  await mkdir(CHARTS, { recursive: true });
  for (const [file, svg] of charts) await writeFile(join(CHARTS, file), `${svg}\n`);
  await writeFile(DOCUMENTED_ROWS, toJson(rows));
  let page = await readFile(PAGE, "utf8");
  if (conditions !== undefined) page = between(page, "fan-out-conditions", conditions);
  page = between(page, "fan-out-charts", [...charts.keys()].map((file) => `![](charts/${file})`).join("\n\n"));
  page = between(page, "fan-out-tables", toMarkdown(rows, shapes));
  await writeFile(PAGE, page);
}
