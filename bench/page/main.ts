import { writeFileSync } from "node:fs";
import picocolors from "picocolors";
import * as z from "zod";
import { flag, readCommandLine, wholeNumber } from "../../tools/command-line.ts";
import { measureFrames, measureMemory } from "./measure.ts";

const usage = `npm run bench:page -- <what> [options]

  frames           the page of npm start in Chromium, with prices that move: frames and the main thread
    --seconds N      (default 15)
  memory           its heap while messages stream
    --minutes N      (default 2)

  --markets N      (default 200)
  --updates N      a second and market (default 20)
  --books          books of 100 levels a side that move, in place of prices; the page shows that of one market
  --json FILE      writes the rows there as well

What a batch per frame saves is measured by npm run bench:client -- frames.
`;

const { words, seconds, minutes, json, ...options } = readCommandLine({
  usage,
  texts: ["seconds", "minutes", "markets", "updates", "json"],
  hasWords: true,
  flags: ["books"],
  schema: z.object({
    words: z.tuple([z.enum(["frames", "memory"], "the first word must be frames or memory")]),
    seconds: wholeNumber(15),
    minutes: wholeNumber(2),
    markets: wholeNumber(200),
    updates: wholeNumber(20),
    books: flag,
    json: z.string().optional(),
  }),
});

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}   `);
};

const [part] = words;
const rows: readonly object[] =
  part === "frames"
    ? [await measureFrames({ ...options, seconds })]
    : await measureMemory({ ...options, minutes }, ({ minute, heapKiB }) =>
        progress(`minute ${minute}: ${heapKiB} KiB`),
      );
progress("");
console.log(picocolors.bold(`Page: ${part}`));
console.table(rows);
if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, undefined, 2)}\n`);
