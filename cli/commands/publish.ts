import { Command } from "commander";
import * as z from "zod";
import { InvalidEventError } from "../../contract/domain-events.ts";
import { parseEventEntry } from "../../contract/event-entry.ts";
import { type Context, FailedError, UsageError } from "../command/context.ts";
import { addJson, addSystemOptions, type SystemOptions } from "../command/options.ts";
import { parseJsonValues, readText } from "../command/read-text.ts";
import { type BusOptions, openBus } from "../system/event-bus.ts";
import { findSystem } from "../system/system.ts";

interface PublishOptions extends SystemOptions, BusOptions {
  readonly check: boolean;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  vezta publish contract/examples/order-changed.json
  vezta publish events.jsonl --bus vezta-prod --region eu-central-1
  vezta publish new-event.json --check            is it valid? publishes nothing
  jq -c .events[] dump.json | vezta publish -

A file has one event, an array, or one event a line, each an entry of PutEvents: Source, DetailType and Detail (an object,
or JSON text). docs/events.md has every event.`;

const entrySchema = z.looseObject({ Source: z.string(), DetailType: z.string(), Detail: z.unknown() });

type Entry = z.infer<typeof entrySchema>;

/** Checks events as the publisher functions do, so that a wrong one is refused here and not in a failure queue. */
function checkEntries(file: string, values: readonly unknown[]): Entry[] {
  return values.map((value, index) => {
    const entry = entrySchema.safeParse(value);
    if (!entry.success) throw new UsageError(`${file}, event ${index + 1}: ${z.prettifyError(entry.error)}`);
    const { Source, DetailType, Detail } = entry.data;
    try {
      parseEventEntry(String(index + 1), { Source, DetailType, Detail } as Parameters<typeof parseEventEntry>[1]);
    } catch (error) {
      if (error instanceof InvalidEventError) throw new UsageError(`${file}: ${error.message}`);
      throw error;
    }
    return entry.data;
  });
}

const asText = (detail: unknown): string => (typeof detail === "string" ? detail : JSON.stringify(detail));

async function publish(context: Context, file: string, options: PublishOptions): Promise<void> {
  const { output } = context;
  const entries = checkEntries(file, parseJsonValues(file, await readText(context, file)));
  if (options.check) {
    if (options.json) output.printJson({ valid: entries.length });
    else output.print(`${entries.length} valid, nothing published`);
    return;
  }
  const bus = openBus(await findSystem(context, options), options);
  try {
    const results = await bus.put(
      entries.map(({ Source, DetailType, Detail }) => ({ Source, DetailType, Detail: asText(Detail) })),
    );
    for (const [index, result] of results.entries()) {
      const { Source, DetailType } = entries[index] ?? {};
      if (options.json) output.printJson({ source: Source, detailType: DetailType, ...result });
      else output.print(`${Source} ${DetailType}: ${"error" in result ? result.error : result.eventId}`);
    }
    if (results.some((result) => "error" in result)) throw new FailedError("the bus refused events");
  } finally {
    bus.close();
  }
}

export const addBusOptions = (command: Command): Command =>
  command
    .option("--bus <name>", "the event bus of a deployed system: the output BusName")
    .option("--region <region>", "its AWS region, if the environment does not say it");

export const publishCommand = (context: Context): Command =>
  addBusOptions(addSystemOptions(addJson(new Command("publish"))))
    .summary("put domain events on the bus")
    .description("Checks domain events against the contract and puts them on the event bus.")
    .argument("<file>", "a file of events; - for standard input")
    .option("--check", "only check the events", false)
    .addHelpText("after", EXAMPLES)
    .action((file: string, options: PublishOptions) => publish(context, file, options));
