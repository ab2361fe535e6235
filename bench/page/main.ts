import { writeFileSync } from "node:fs";
import picocolors from "picocolors";
import * as z from "zod";
import { flag, positive, readCommandLine, wholeNumber } from "../../tools/command-line.ts";
import { measureBooks } from "./books.ts";
import { measureFrames, measureMemory } from "./measure.ts";

const usage = `npm run bench:page -- <what> [options]

  frames           the page of npm start in Chromium, with prices that move: frames and the main thread
    --seconds N      (default 15)
  books            a page of small order books in Chromium: of many markets by changes, and of five by whole values
    --seconds N      of each (default 10)
    --runs N         (default 3)
    --markets N      (default 50)
    --wandering      the best levels change nearly each time, as the price wanders; else one level anywhere
  memory           its heap while messages stream
    --minutes N      (default 2)

  --markets N      (default 200)
  --updates N      a second and market (default 20)
  --books          books of 100 levels a side that move, in place of prices; the page shows that of one market
  --json FILE      writes the rows there as well

What a batch per frame saves is measured by npm run bench:client -- frames.
`;

const { words, minutes, json, updates, books, wandering, runs, ...given } = readCommandLine({
  usage,
  texts: ["seconds", "runs", "minutes", "markets", "updates", "json"],
  hasWords: true,
  flags: ["books", "wandering"],
  schema: z.object({
    words: z.tuple([z.enum(["frames", "books", "memory"], "the first word must be frames, books or memory")]),
    seconds: positive.optional(),
    runs: wholeNumber(3),
    minutes: wholeNumber(2),
    markets: positive.optional(),
    updates: wholeNumber(20),
    books: flag,
    wandering: flag,
    json: z.string().optional(),
  }),
});

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}   `);
};

const [part] = words;

function measure(): Promise<readonly object[]> {
  const { markets = part === "books" ? 50 : 200, seconds = part === "books" ? 10 : 15 } = given;
  switch (part) {
    case "frames":
      return measureFrames({ markets, updates, books, seconds }).then((row) => [row]);
    case "books":
      return measureBooks({ markets, updates, seconds, runs, isWandering: wandering });
    default:
      return measureMemory({ markets, updates, books, minutes }, ({ minute, heapKiB }) =>
        progress(`minute ${minute}: ${heapKiB} KiB`),
      );
  }
}

const rows = await measure();
progress("");
console.log(picocolors.bold(`Page: ${part}`));
console.table(rows);
if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, undefined, 2)}\n`);
