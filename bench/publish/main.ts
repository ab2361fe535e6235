import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import colors from "picocolors";
import { between } from "../generated-text.ts";
import { measureStarts } from "./cold-start.ts";
import { describeConditions, watched } from "./conditions.ts";
import { measureMemory } from "./memory.ts";
import { type Report, toMarkdown } from "./report.ts";
import { toRows } from "./row.ts";
import { toStartRows } from "./start-row.ts";
import { startCluster, startSingle } from "./target.ts";
import { measureThroughput } from "./throughput.ts";

const PAGE = join(import.meta.dirname, "../../docs/publishing.md");

const EXIT_INTERRUPTED = 130;

const usage = `npm run bench:publish -- [options]

  --runs N        runs of everything, beside one that warms up (default 5)
  --sample-ms N   how long each method publishes in each run (default 300)
  --memory N      trades published to see how memory grows (default 200000)
  --json FILE     writes the rows there
  --write         writes the tables into docs/publishing.md
`;

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;

function parseCommandLine() {
  const { values } = parseArgs({
    options: { runs: text, "sample-ms": text, memory: text, json: text, write: flag, help: flag },
  });
  const number = (option: "runs" | "sample-ms" | "memory", fallback: number): number => {
    const value = Number(values[option] ?? fallback);
    if (Number.isInteger(value) && value > 0) return value;
    throw new TypeError(`--${option}: ${JSON.stringify(values[option])} is not a whole number from 1`);
  };
  return {
    runs: number("runs", 5),
    sampleMs: number("sample-ms", 300),
    messages: number("memory", 200_000),
    json: values.json,
    write: values.write,
    help: values.help,
  };
}

/** Overwritten by what comes next where somebody is looking. */
const onProgress = (message: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${colors.dim(message)}`);
};

async function measure({ runs, sampleMs, messages }: ReturnType<typeof parseCommandLine>): Promise<Report> {
  onProgress("starting Redis, and clusters of one, two and three shards");
  const single = await startSingle();
  const clusters = [];
  try {
    for (const shards of [1, 2, 3]) clusters.push(await startCluster(shards));
    const [oneShard, , threeShards] = clusters;
    if (!oneShard || !threeShards) throw new Error("not every cluster started");
    const targets = [single, ...clusters];
    const { result, usage } = await watched(targets, () => measureThroughput(targets, { runs, sampleMs, onProgress }));
    const starts = await measureStarts({ runs, single, cluster: threeShards, onProgress });
    const conditions = await describeConditions(targets, usage);
    onProgress("memory");
    const [node] = single.nodes;
    if (!node) throw new Error("there is no Redis");
    const memory = await measureMemory(node, single.publisher, messages);
    return { conditions, publishing: toRows(result, oneShard.name), starts: toStartRows(starts), memory };
  } finally {
    for (const target of [single, ...clusters]) await target.stop();
  }
}

async function main(): Promise<void> {
  const options = parseCommandLine();
  if (options.help) {
    console.log(usage);
    return;
  }
  const report = await measure(options);
  onProgress("");
  console.log(toMarkdown(report));
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (options.write) {
    await writeFile(PAGE, between(await readFile(PAGE, "utf8"), "publish-tables", toMarkdown(report)));
  }
}

// Every server and function that was started ends with this process, where no signal ends that.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(EXIT_INTERRUPTED));
try {
  await main();
} catch (error) {
  onProgress("");
  console.error(error instanceof TypeError ? `${colors.red(error.message)}\n\n${usage}` : error);
  process.exitCode = 1;
}
