import { writeFileSync } from "node:fs";
import picocolors from "picocolors";
import * as z from "zod";
import { anyOf, readCommandLine, wholeNumber } from "../../tools/command-line.ts";
import { runDisconnections } from "./disconnections.ts";
import { measureFrames, measureMemory } from "./frames.ts";
import { measureStates } from "./states.ts";

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
  states           what a change of an order book costs a client, in this process and in Chromium
    --count N        changes (default 10,000)

  --json FILE      writes the rows there as well
`;

const values = readCommandLine({
  usage,
  texts: ["count", "rate", "edges", "markets", "updates", "seconds", "minutes", "json"],
  hasWords: true,
  schema: z.object({
    words: z.tuple([
      z.enum(["disconnections", "frames", "memory", "states"], "the first word must be one of those below"),
    ]),
    count: z.coerce.number().int().min(1).optional(),
    rate: wholeNumber(1_000),
    edges: anyOf(["gateway", "managed"]),
    markets: wholeNumber(200),
    updates: z.coerce.number().int().min(1).optional(),
    seconds: wholeNumber(15),
    minutes: wholeNumber(30),
    json: z.string().optional(),
  }),
});

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}   `);
};

async function disconnections(): Promise<object[]> {
  const rows: object[] = [];
  const { count = 200, rate } = values;
  for (const edge of values.edges) {
    const onProgress = (done: number): void => progress(`${edge}: ${done} of ${count} disconnections`);
    const row = await runDisconnections({ edge, count, rate, onProgress });
    if (row.holes + row.doubles + row.outOfOrder > 0) process.exitCode = 1;
    rows.push(row);
  }
  return rows;
}

async function frames(): Promise<object[]> {
  const { markets, updates = 20, seconds } = values;
  const options = { markets, updates, seconds };
  return [await measureFrames("batched", options), await measureFrames("unbatched", options)];
}

async function memory(): Promise<readonly object[]> {
  const { markets, minutes, updates = 5 } = values;
  return measureMemory({ markets, updates, minutes }, ({ minute, heapKiB }) =>
    progress(`minute ${minute}: ${heapKiB} KiB`),
  );
}

const states = (): Promise<object[]> => measureStates(values.count ?? 10_000);

const [part] = values.words;
const rows = await { disconnections, frames, memory, states }[part]();
progress("");
console.log(picocolors.bold(`Client: ${part}`));
console.table(rows);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
// The SDK of the managed edge's queue keeps its connections open.
process.exit();
