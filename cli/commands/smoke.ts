import { Command } from "commander";
import picocolors from "picocolors";
import { type Context, FailedError, UsageError } from "../command/context.ts";
import { addClientOptions, addJson, address, type ClientOptions, number } from "../command/options.ts";
import type { Output } from "../command/output.ts";
import { runSmokeTest, type SmokeStep } from "../smoke/smoke-test.ts";
import type { BusOptions } from "../system/event-bus.ts";
import { findSystem, type System } from "../system/system.ts";
import { clientUrl, findToken } from "../system/token.ts";
import { addBusOptions } from "./publish.ts";

const { bold, dim, green, red, yellow } = picocolors;

interface SmokeOptions extends ClientOptions, BusOptions {
  readonly eventsEndpoint?: URL;
  readonly timeout: number;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  vezta smoke                                                      npm start, end to end
  vezta smoke --url https://realtime.example.com --bus vezta-prod
  vezta smoke --url wss://abc.execute-api.eu-central-1.amazonaws.com/prod --token-file token

With a token the event is a notification to the token's user. Without one it is a trade of the market smoke-test, which
clients of all markets get too.`;

const marks = { ok: green("✔"), failed: red("✘"), skipped: yellow("–") } as const;

function print(output: Output, steps: readonly SmokeStep[]): void {
  for (const { name, outcome, detail, milliseconds } of steps) {
    const time = milliseconds === undefined ? "" : `${milliseconds} ms`;
    output.print(`${marks[outcome]} ${bold(name.padEnd(10))} ${dim(time.padStart(9))}  ${detail}`);
  }
}

/** Returns the bus to put the event on; undefined where none is known, which skips these steps. */
function eventsOf(system: System, { bus, region, eventsEndpoint }: SmokeOptions) {
  const endpoint = eventsEndpoint ?? (system.local && new URL("/dev/aws", system.url));
  return bus !== undefined || endpoint ? { bus, region, endpoint } : undefined;
}

async function smoke(context: Context, options: SmokeOptions): Promise<void> {
  if (options.bus !== undefined && options.eventsEndpoint)
    throw new UsageError("give --bus or --events-endpoint, not both");
  const system = await findSystem(context, options);
  const url = clientUrl(system, options);
  const token = await findToken(system, options);
  const timeoutMs = options.timeout * 1_000;
  const steps = await runSmokeTest({ url, token, timeoutMs, events: eventsOf(system, options) });
  if (options.json) context.output.printJson({ url: url.href, steps });
  else print(context.output, steps);
  if (steps.some(({ outcome }) => outcome === "failed")) throw new FailedError("a step failed");
}

export const smokeCommand = (context: Context): Command =>
  addBusOptions(addClientOptions(addJson(new Command("smoke"))))
    .summary("test a system end to end, step by step")
    .description("Connects, subscribes, publishes one event and waits for it to arrive.")
    .option("--events-endpoint <url>", "the EventBridge endpoint of a local system", address("http", "https"))
    .option("--timeout <seconds>", "the time limit of a step", number(1, 300), 15)
    .addHelpText("after", EXAMPLES)
    .action((options: SmokeOptions) => smoke(context, options));
