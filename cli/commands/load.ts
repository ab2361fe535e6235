import { Command, InvalidArgumentError } from "commander";
import { channelDefinition } from "../../contract/channels.ts";
import { messageOf } from "../../kernel/as-error.ts";
import { type Context, FailedError } from "../command/context.ts";
import { addClientOptions, addJson, type ClientOptions, number, wholeNumber } from "../command/options.ts";
import { table } from "../command/output.ts";
import { findMarkets } from "../load/markets.ts";
import { dealTopics, type MixPart, parseMix } from "../load/mix.ts";
import { type LoadReport, runLoad } from "../load/run-load.ts";
import { findSystem } from "../system/system.ts";
import { clientUrl, findToken } from "../system/token.ts";

interface LoadCommandOptions extends ClientOptions {
  readonly connections: number;
  readonly subscriptions: number;
  readonly rate: number;
  readonly seconds: number;
  readonly mix: readonly MixPart[];
  readonly markets?: readonly string[];
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  vezta load --connections 200 --seconds 10
  vezta load --url https://realtime.example.com --connections 2000 --rate 200 --subscriptions 5
  vezta load --url wss://abc.execute-api.eu-central-1.amazonaws.com/prod --mix market:prices=3,market:trades=1

Opens connections and reads what the system publishes meanwhile; it publishes nothing (vezta replay does). One process
holds a few thousand connections: run several for more, from other machines than the system's. Exit code 1 if a connection
failed or was closed.`;

const summary = (values: LoadReport["connectMs"]): string =>
  values === undefined ? "none" : `p50 ${values.p50}, p90 ${values.p90}, p99 ${values.p99}, max ${values.max} ms`;

const describe = (report: LoadReport): string =>
  table([
    ["connected", String(report.connected)],
    ...Object.entries(report.failed).map(([reason, count]) => ["failed", `${count}: ${reason}`]),
    ["closed", String(report.closed)],
    ["subscriptions", String(report.subscriptions)],
    ["messages", `${report.messages}, ${report.messagesPerSecond} a second`],
    ["connecting", summary(report.connectMs)],
    ["delay", summary(report.delayMs)],
  ]);

async function load(context: Context, options: LoadCommandOptions): Promise<void> {
  const { output, signal } = context;
  const { connections, subscriptions, rate, seconds, mix, json } = options;
  const system = await findSystem(context, options);
  const url = clientUrl(system, options);
  const isKeyed = mix.some(({ channel }) => channelDefinition(channel).key === "marketId");
  const markets = options.markets ?? (isKeyed ? await findMarkets(url) : []);
  const report = await runLoad({
    ...{ url, token: await findToken(system, options), connections, subscriptions, rate, seconds, signal },
    nextTopic: dealTopics(mix, markets),
    onProgress: ({ connected, messages }) =>
      output.progress(`${connected} of ${connections} connected, ${messages} messages`),
  });
  output.endProgress();
  if (json) output.printJson(report);
  else output.print(describe(report));
  const isWhole = report.closed === 0 && Object.keys(report.failed).length === 0;
  if (!isWhole) throw new FailedError("connections failed");
}

function readMix(text: string): readonly MixPart[] {
  try {
    return parseMix(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

export const loadCommand = (context: Context): Command =>
  addClientOptions(addJson(new Command("load")))
    .summary("open many connections and measure what they get")
    .description("Connects many clients to an endpoint, over either edge, and reports what they got and how late.")
    .option("--connections <count>", "connections", wholeNumber(1, 60_000), 100)
    .option("--subscriptions <count>", "subscriptions of each connection", wholeNumber(1, 1_000), 1)
    .option("--rate <count>", "new connections a second", number(0.1, 10_000), 100)
    .option("--seconds <seconds>", "time to hold them all", number(0.1, 86_400), 10)
    .option("--mix <channels>", "channels with their weights", readMix, parseMix("market:prices=3,market:trades=1"))
    .option("--markets <ids>", "the markets to subscribe to (default: those that have a price)", (text) =>
      text.split(","),
    )
    .addHelpText("after", EXAMPLES)
    .action((options: LoadCommandOptions) => load(context, options));
