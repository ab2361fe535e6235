import { readFile, writeFile } from "node:fs/promises";
import colors from "picocolors";
import { readCommandLine } from "../../tools/command-line.ts";
import { MachineError, moveToLoadCore } from "./cores.ts";
import { writeDocumentation } from "./documentation.ts";
import { compileLoadClient } from "./load-client.ts";
import { describeMachine } from "./machine.ts";
import { type CommandLine, command } from "./options.ts";
import { toLine, toMarkdown } from "./report.ts";
import { fromJson, type Row, toJson } from "./row.ts";
import { Runner } from "./runner.ts";
import { createServers } from "./servers/servers.ts";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

/** Overwritten by what comes next; only where somebody is looking. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${colors.dim(text)}`);
}

let isInterrupted = false;

/** Reports a failure, unless everything is being ended: failures that this causes are no news. */
function showFailure(error: unknown): void {
  if (isInterrupted) return;
  showProgress("");
  if (error instanceof MachineError) console.error(colors.red(error.message));
  else console.error(error);
  process.exitCode = EXIT_FAILED;
}

async function measure(options: CommandLine): Promise<Row[]> {
  moveToLoadCore();
  await compileLoadClient();
  const servers = createServers(options.gatewayRoot);
  const runner = new Runner({
    contenders: new Map(options.servers.map((name) => [name, servers[name]])),
    shapes: options.shapes,
    runs: options.runs,
    onProgress: showProgress,
    onMeasurement(shape, server, measurement) {
      showProgress("");
      console.error(colors.dim(toLine(shape, server, measurement)));
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      isInterrupted = true;
      void runner.stop().finally(() => process.exit(EXIT_INTERRUPTED));
    });
  }
  return runner.run();
}

async function main(): Promise<void> {
  const options = readCommandLine(command);
  const startedAt = new Date();
  const { shapes, from, json, writesDocs } = options;
  const rows = from === undefined ? await measure(options) : fromJson(await readFile(from, "utf8"));
  showProgress("");
  console.log(toMarkdown(rows, shapes));
  if (json !== undefined) await writeFile(json, toJson(rows));
  if (from !== undefined) {
    if (writesDocs) await writeDocumentation({ rows, shapes });
    return;
  }
  const minutes = ((Date.now() - startedAt.getTime()) / 60_000).toFixed(1);
  const conditions = `${startedAt.toISOString().slice(0, 10)}, ${minutes} minutes: ${await describeMachine()}.`;
  console.log(`\n${conditions}`);
  if (writesDocs) await writeDocumentation({ rows, shapes, conditions });
}

try {
  await main();
} catch (error) {
  showFailure(error);
}
