import { Command } from "commander";
import * as z from "zod";
import { ENTRY_ID } from "../../contract/ids.ts";
import { messageOf } from "../../kernel/as-error.ts";
import {
  drawWaterfall,
  type ExportedSpan,
  newestEntry,
  parseExport,
  spansOf,
} from "../../kernel/tracing/trace-report.ts";
import { type Context, FailedError, UsageError } from "../command/context.ts";
import { addJson, addSystemOptions, parser, type SystemOptions } from "../command/options.ts";
import { parseJsonValues, readText } from "../command/read-text.ts";
import { findSystem } from "../system/system.ts";

const TIMEOUT_MS = 5_000;

interface TraceOptions extends SystemOptions {
  readonly file?: string;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  vezta trace                                   the newest message that was traced
  vezta trace 1795817137384-0                   the one with that id, if it was traced
  vezta trace 1795817137384-0 --file spans.jsonl

A local system traces one event in twenty. A deployed one traces a share of them (OTEL_TRACES_SAMPLER_ARG) and sends the spans to its
collector: give a file that the collector's file exporter wrote, or look the attribute vezta.id up in X-Ray.`;

const spansSchema = z.array(
  z.object({
    traceId: z.string(),
    service: z.string(),
    name: z.string(),
    startMs: z.number(),
    endMs: z.number(),
    entryId: z.string().optional(),
  }),
);

async function readFile(context: Context, file: string, id: string | undefined): Promise<readonly ExportedSpan[]> {
  const values = parseJsonValues(file, await readText(context, file));
  try {
    const spans = values.flatMap((value) => parseExport(value));
    const entry = id ?? newestEntry(spans);
    return entry === undefined ? [] : spansOf(spans, entry);
  } catch (error) {
    throw new UsageError(`${file} has no spans as OTLP in JSON: ${messageOf(error)}`);
  }
}

async function askCollector(context: Context, options: TraceOptions, id = "newest"): Promise<readonly ExportedSpan[]> {
  const { local, url } = await findSystem(context, options);
  const collector = local?.environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (collector === undefined) {
    throw new UsageError(
      `no traces are known: there is no local system at ${url.origin}; give the collector's file with --file`,
    );
  }
  const response = await fetch(`${collector}/traces/${id}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return spansSchema.parse(await response.json()).map((span) => ({ ...span, entryId: span.entryId }));
}

async function trace(context: Context, id: string | undefined, options: TraceOptions): Promise<void> {
  const { output } = context;
  const spans =
    options.file === undefined ? await askCollector(context, options, id) : await readFile(context, options.file, id);
  if (options.json) output.printJson(spans);
  else if (spans.length > 0) output.print(drawWaterfall(spans));
  if (spans.length > 0) return;
  output.note(
    id === undefined ? "no message has been traced yet" : `${id} was not traced, or its spans are not here yet`,
  );
  throw new FailedError("no trace");
}

export const traceCommand = (context: Context): Command =>
  addSystemOptions(addJson(new Command("trace")))
    .summary("where one message spent its time")
    .description("Shows the parts of a traced message's way, from its event to the clients' sockets, on one time axis.")
    .argument(
      "[id]",
      "the id of the message, as clients get it",
      parser(z.string().regex(ENTRY_ID, "It must be the id of a message.")),
    )
    .option("--file <file>", "spans as OTLP in JSON, one export a line; - is standard input")
    .addHelpText("after", EXAMPLES)
    .action((id: string | undefined, options: TraceOptions) => trace(context, id, options));
