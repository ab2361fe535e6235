import { writeFile } from "node:fs/promises";
import colors from "picocolors";
import { readCommandLine } from "../tools/command-line.ts";
import { startDrill } from "./drill.ts";
import { faultDescriptions } from "./fault-descriptions.ts";
import { command } from "./options.ts";
import { brokenPromises, type Row } from "./row.ts";
import { markdownTable, tableHead, tableLine } from "./table.ts";

const EXIT_BROKEN = 1;
const EXIT_INTERRUPTED = 130;
const LEFTOVER_MS = 3_000;

/** Overwritten by what comes next; only where somebody is looking. */
function showProgress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${colors.dim(text)}`);
}

function print(text: string): void {
  showProgress("");
  console.log(text);
}

function conclude(rows: readonly Row[], startedAt: number): void {
  const broken = rows.flatMap(brokenPromises);
  const published = rows.reduce((sum, row) => sum + row.published, 0);
  print(`\n${published.toLocaleString("en")} messages in ${Math.round((Date.now() - startedAt) / 1_000)} s`);
  for (const line of broken) print(colors.red(line));
  print(broken.length > 0 ? colors.red("A promise was broken.") : colors.green("Every promise was kept."));
  if (broken.length > 0) process.exitCode = EXIT_BROKEN;
}

async function main(): Promise<void> {
  const startedAt = Date.now();
  const options = readCommandLine(command);
  showProgress("starting Redis, gateways and clients");
  const drill = startDrill(options, {
    onStarted: () => print(tableHead()),
    // At once: to end everything takes its time, and may fail as well.
    onFailure: (error) => print(colors.red(`the drill failed: ${error}`)),
    onRound: (fault, published) => showProgress(`${fault}: ${published.toLocaleString("en")} published`),
    onRow(row, problems) {
      print(tableLine(row));
      const did = Object.entries(row.did).map(([what, count]) => `${count.toLocaleString("en")} ${what}`);
      if (did.length > 0) print(colors.dim(`  ${did.join(", ")}`));
      for (const problem of problems) print(colors.yellow(`  ${problem}`));
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void drill.stop().finally(() => process.exit(EXIT_INTERRUPTED)));
  }
  const rows = await drill.rows;
  if (options.markdown !== undefined) await writeFile(options.markdown, `${markdownTable(rows, faultDescriptions)}\n`);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  conclude(rows, startedAt);
}

try {
  await main();
} catch (error) {
  print(colors.red(String(error)));
  if (error instanceof Error && error.stack) print(colors.dim(error.stack));
  process.exitCode = EXIT_BROKEN;
}

// Whatever a failed part has left open must not keep an unattended run from ending.
setTimeout(() => process.exit(), LEFTOVER_MS).unref();
