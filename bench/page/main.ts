import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import picocolors from "picocolors";
import { measureFrames, measureMemory } from "./measure.ts";

const usage = `npm run bench:page -- <what> [options]

  frames           the page of npm start in Chromium, with prices that move: frames and the main thread
    --seconds N      (default 15)
  memory           its heap while messages stream
    --minutes N      (default 2)

  --markets N      (default 200)
  --updates N      a second and market (default 20)
  --json FILE      writes the rows there as well

What a batch per frame saves is measured by npm run bench:client -- frames.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "15" },
    minutes: { type: "string", default: "2" },
    markets: { type: "string", default: "200" },
    updates: { type: "string", default: "20" },
    json: { type: "string" },
  },
});

const options = { markets: Number(values.markets), updates: Number(values.updates) };

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}   `);
};

const parts: Readonly<Record<string, () => Promise<readonly object[]>>> = {
  frames: async () => [await measureFrames({ ...options, seconds: Number(values.seconds) })],
  memory: () =>
    measureMemory({ ...options, minutes: Number(values.minutes) }, ({ minute, heapKiB }) =>
      progress(`minute ${minute}: ${heapKiB} KiB`),
    ),
};

const part = parts[positionals[0] ?? ""];
if (part) {
  const rows = await part();
  progress("");
  console.log(picocolors.bold(`Page: ${positionals[0]}`));
  console.table(rows);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
} else {
  console.error(usage);
  process.exitCode = 2;
}
