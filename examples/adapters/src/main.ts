/** Prints the events of a recorded feed, one JSON object a line: `node src/main.ts kalshi samples/kalshi.jsonl`. */
import { readFileSync } from "node:fs";
import { type CreateAdapter, readFeed } from "./adapter.ts";
import { createFixAdapter } from "./fix.ts";
import { createKalshiAdapter } from "./kalshi.ts";
import { createPolymarketAdapter } from "./polymarket.ts";

const adapters: Readonly<Record<string, CreateAdapter>> = {
  fix: createFixAdapter,
  kalshi: createKalshiAdapter,
  polymarket: createPolymarketAdapter,
};

const [feed = "", file = ""] = process.argv.slice(2);
const createAdapter = adapters[feed];
if (!createAdapter || file === "") {
  process.stderr.write(`usage: node src/main.ts <${Object.keys(adapters).join("|")}> <file>\n`);
  process.exit(2);
}
const entries = readFeed(createAdapter, readFileSync(file, "utf8"));
process.stdout.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
