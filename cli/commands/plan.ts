import { Command } from "commander";
import { type Context, UsageError } from "../command/context.ts";
import { addJson, number, wholeNumber } from "../command/options.ts";
import { table } from "../command/output.ts";
import { parseJsonValues, readText } from "../command/read-text.ts";
import { LIMITS } from "../plan/constants.ts";
import { type Audience, type EdgePlan, type Plan, plan } from "../plan/model.ts";
import { modelErrors } from "../plan/model-error.ts";
import { type ChannelTraffic, measureTraffic } from "../plan/traffic.ts";
import { parseRecording } from "../recording/recording.ts";

interface PlanOptions {
  readonly connections: number;
  readonly markets: number;
  readonly connects: number;
  readonly scale: number;
  readonly model: boolean;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  vezta record market:prices market:trades --seconds 60 --output traffic.jsonl
  vezta plan traffic.jsonl --connections 20000 --markets 5
  vezta plan traffic.jsonl --connections 20000 --scale 3       three times the messages
  vezta plan --model                                           how far the model is from the bench

Prices are list prices of us-east-1, without taxes, logs and support. A private channel of the recording counts for every
connection.`;

const dollars = (amount: number): string => `$${Math.round(amount).toLocaleString("en-US")}`;
const amount = (value: number): string => value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
const percent = (share: number): string => `${share > 0 ? "+" : ""}${Math.round(share * 100)} %`;

const totalOf = ({ dollars: parts }: EdgePlan): number => parts.tasks + parts.loadBalancer + parts.egress;

function describeModel(): string {
  const rows = modelErrors().map(({ shape, measured, predicted, error, isFitted }) => [
    ...[shape, amount(measured), amount(predicted), percent(error), isFitted ? "a constant is from it" : "not used"],
  ]);
  return table([["SHAPE", "MEASURED µs", "MODEL µs", "ERROR", ""], ...rows]);
}

function describeEdges({ gateway, redis, managedEdge }: Plan): string {
  const rows = gateway.map((edge) => [
    edge.compressed ? "gateway, compressed" : "gateway, plain",
    ...[String(edge.tasks), amount(edge.gatewayCores), `${amount(edge.bytesPerSecond / 1e6)} MB/s`],
    ...[dollars(edge.dollars.tasks), dollars(edge.dollars.loadBalancer), dollars(edge.dollars.egress)],
    dollars(totalOf(edge) + redis.dollars),
  ]);
  const managed = ["managed edge", "–", "–", `${amount(managedEdge.postsPerSecond)} posts/s`, "–", "–", "–"];
  return table([
    ["A MONTH", "TASKS", "CORES", "TO CLIENTS", "TASKS", "BALANCER", "EGRESS", "WITH REDIS"],
    ...rows,
    [...managed, dollars(managedEdge.dollars + redis.dollars)],
  ]);
}

function describe(result: Plan, traffic: readonly ChannelTraffic[]): string {
  const { redis, deliveriesPerSecond, publishedPerSecond } = result;
  const channels = traffic.map(({ channel, messagesPerSecond, streams, bytes }) => [
    ...[channel, amount(messagesPerSecond), String(streams), amount(bytes)],
  ]);
  const hot = redis.hotShardCores > LIMITS.shardCpu;
  const worst = Math.max(...modelErrors().map(({ error }) => Math.abs(error)));
  return [
    table([["CHANNEL", "MESSAGES/S", "STREAMS", "BYTES"], ...channels]),
    `${amount(publishedPerSecond)} messages/s published, ${amount(deliveriesPerSecond)} delivered`,
    describeEdges(result),
    `Redis: ${amount(redis.cores)} cores, ${redis.shards} shards with a replica each, ${dollars(redis.dollars)}` +
      (hot
        ? `\nThe busiest channel takes ${amount(redis.hotShardCores)} cores of ONE shard: more shards do not help.`
        : ""),
    `The model is up to ${Math.round(worst * 100)} % from what the bench measured (vezta plan --model).`,
  ].join("\n\n");
}

async function run(context: Context, file: string | undefined, options: PlanOptions): Promise<void> {
  const { output } = context;
  if (options.model) {
    if (options.json) output.printJson(modelErrors());
    else output.print(describeModel());
    return;
  }
  if (file === undefined) throw new UsageError("name a recording (vezta record writes one), or ask for --model");
  const recorded = measureTraffic(parseRecording(file, parseJsonValues(file, await readText(context, file))));
  const traffic = recorded.map((each) => ({ ...each, messagesPerSecond: each.messagesPerSecond * options.scale }));
  const audience: Audience = {
    ...{ connections: options.connections, markets: options.markets, connectsPerSecond: options.connects },
  };
  const result = plan(traffic, audience);
  if (options.json) output.printJson({ traffic, audience, ...result, modelErrors: modelErrors() });
  else output.print(describe(result, traffic));
}

export const planCommand = (context: Context): Command =>
  addJson(new Command("plan"))
    .summary("compute tasks, shards and cost for traffic")
    .description("Computes what recorded traffic takes and costs a month on each edge, with and without compression.")
    .argument("[file]", "a recording; - for standard input")
    .option("--connections <count>", "clients", wholeNumber(1, 10_000_000), 1_000)
    .option("--markets <count>", "markets that each client subscribes to, on each channel", wholeNumber(1, 1_000), 5)
    .option("--connects <count>", "new connections a second", number(0, 100_000), 0)
    .option("--scale <factor>", "the recording's messages a second, times this", number(0.001, 100_000), 1)
    .option("--model", "show how far the model is from what was measured", false)
    .addHelpText("after", EXAMPLES)
    .action((file: string | undefined, options: PlanOptions) => run(context, file, options));
