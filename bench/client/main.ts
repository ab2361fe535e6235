import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Edge } from "@vezta/realtime-client";
import picocolors from "picocolors";
import { runDisconnections } from "./disconnections.ts";
import { measureFrames, measureMemory } from "./frames.ts";

const usage = `npm run bench:client -- <what> [options]

  disconnections   cuts connections at random while messages flow: what do applications miss or get twice?
    --count N        disconnections on each edge (default 200)
    --rate N         messages a second (default 1,000)
    --edges a,b      gateway, managed (default both)
  frames           a page of moving prices in Chromium, with and without a batch per frame
    --markets N      (default 200)
    --updates N      a second and market (default 20)
    --seconds N      of each run (default 15)
  memory           the heap of such a page while messages stream
    --minutes N      (default 30)
    --markets N      (default 200)
    --updates N      a second and market (default 5)

  --json FILE      writes the rows there as well
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "200" },
    rate: { type: "string", default: "1000" },
    edges: { type: "string", default: "gateway,managed" },
    markets: { type: "string", default: "200" },
    updates: { type: "string" },
    seconds: { type: "string", default: "15" },
    minutes: { type: "string", default: "30" },
    json: { type: "string" },
  },
});

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}   `);
};

async function disconnections(): Promise<object[]> {
  const rows: object[] = [];
  for (const edge of values.edges.split(",") as Edge[]) {
    const count = Number(values.count);
    const onProgress = (done: number): void => progress(`${edge}: ${done} of ${count} disconnections`);
    const row = await runDisconnections({ edge, count, rate: Number(values.rate), onProgress });
    if (row.holes + row.doubles + row.outOfOrder > 0) process.exitCode = 1;
    rows.push(row);
  }
  return rows;
}

async function frames(): Promise<object[]> {
  const options = {
    markets: Number(values.markets),
    updates: Number(values.updates ?? 20),
    seconds: Number(values.seconds),
  };
  return [await measureFrames("batched", options), await measureFrames("unbatched", options)];
}

async function memory(): Promise<readonly object[]> {
  const { markets, minutes, updates = 5 } = values;
  const options = { markets: Number(markets), updates: Number(updates), minutes: Number(minutes) };
  return measureMemory(options, ({ minute, heapKiB }) => progress(`minute ${minute}: ${heapKiB} KiB`));
}

const parts: Readonly<Record<string, () => Promise<readonly object[]>>> = { disconnections, frames, memory };
const part = parts[positionals[0] ?? ""];
if (part) {
  const rows = await part();
  progress("");
  console.log(picocolors.bold(`Client: ${positionals[0]}`));
  console.table(rows);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
  // The SDK of the managed edge's queue keeps its connections open.
  process.exit();
} else {
  console.error(usage);
  process.exitCode = 2;
}
