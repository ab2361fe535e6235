import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import colors from "picocolors";
import * as z from "zod";
import { flag, readCommandLine, wholeNumber } from "../../tools/command-line.ts";
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
  --methods TEXT  only the methods whose name has this in it, on one Redis; no starts, no memory
  --memory N      trades published to see how memory grows (default 200000)
  --json FILE     writes the rows there
  --write         writes the tables into docs/publishing.md
`;

const optionsSchema = z.object({
  runs: wholeNumber(5),
  "sample-ms": wholeNumber(300),
  methods: z.string().optional(),
  memory: wholeNumber(200_000),
  json: z.string().optional(),
  write: flag,
});

/** Overwritten by what comes next where somebody is looking. */
const onProgress = (message: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${colors.dim(message)}`);
};

/** Measures some methods alone, on one Redis. */
async function measureMethods(wanted: string, { runs, "sample-ms": sampleMs }: z.output<typeof optionsSchema>) {
  const single = await startSingle();
  try {
    const options = { runs, sampleMs, onProgress, isWanted: (name: string) => name.includes(wanted) };
    const { result, usage } = await watched([single], () => measureThroughput([single], options));
    const conditions = await describeConditions([single], usage);
    return { conditions, publishing: toRows(result, "") };
  } finally {
    await single.stop();
  }
}

async function measure(options: z.output<typeof optionsSchema>): Promise<Report> {
  const { runs, "sample-ms": sampleMs, memory: messages } = options;
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
  const options = readCommandLine({
    usage,
    texts: ["runs", "sample-ms", "methods", "memory", "json"],
    flags: ["write"],
    schema: optionsSchema.refine(({ methods, write }) => methods === undefined || !write, {
      path: ["write"],
      message: "the page has all methods: leave out --methods",
    }),
  });
  const { methods } = options;
  const report = methods === undefined ? await measure(options) : await measureMethods(methods, options);
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
  console.error(error);
  process.exitCode = 1;
}
