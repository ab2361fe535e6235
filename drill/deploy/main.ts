import { writeFile } from "node:fs/promises";
import colors from "picocolors";
import * as z from "zod";
import { flag, positive, readCommandLine, wholeNumber } from "../../tools/command-line.ts";
import { type DeployResult, runDeployDrill } from "./deploy-drill.ts";
import type { ServiceEvent } from "./ecs-service.ts";

const usage = `npm run drill:deploy -- [options]

Replaces two gateways under load as ECS does (deregister, delay, cut, SIGTERM, SIGKILL): once with gateways that read the
health of their target, once with gateways that hear nothing before SIGTERM.

  --clients N         half of them with the SDK, half socket.io-client with its defaults (default 2,000)
  --rate N            messages a second, over 30 streams (default 30)
  --drain-seconds N   RT_DRAIN_SECONDS (default 20)
  --told, --untold    only one of the two
  --json              prints the results as JSON
  --output FILE       writes them there
`;

const command = {
  usage,
  texts: ["clients", "rate", "drain-seconds", "output"],
  flags: ["told", "untold", "json"],
  schema: z
    .object({
      clients: wholeNumber(2_000),
      rate: wholeNumber(30),
      "drain-seconds": positive.default(20),
      told: flag,
      untold: flag,
      json: flag,
      output: z.string().optional(),
    })
    .transform(({ "drain-seconds": drainSeconds, ...options }) => ({ ...options, drainSeconds })),
};

/** The limits that the drill holds a deployment to. */
const MAXIMUM_PEAK = 2;
const MAXIMUM_SDK_DARK_MS = 1_000;

type Options = z.output<typeof command.schema>;

const options = readCommandLine(command);

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${colors.dim(text)}`);
}

function say(text: string): void {
  progress("");
  console.error(text);
}

function showEvent({ what, task, cut }: ServiceEvent): void {
  say(
    colors.dim(`${new Date().toISOString().slice(11, 19)} ${task} ${what}${cut === undefined ? "" : `, ${cut} cut`}`),
  );
}

/** Returns the limits that a result breaks, in words. */
function brokenLimits({ deployment, verdict, stranded, reconnects, darkMs }: DeployResult): string[] {
  const { undetected, lost, duplicates, outOfOrder, problems } = verdict;
  const peaks = reconnects.map(({ peakPerSecond, meanPerSecond }) => peakPerSecond / meanPerSecond);
  return [
    ...(deployment.isCompleted ? [] : ["the deployment failed"]),
    ...(stranded.length > 0
      ? [`${stranded.length} clients did not come back: ${stranded.slice(0, 5).join(", ")}`]
      : []),
    ...(undetected + lost > 0 ? [`holes: ${undetected} undetected, ${lost} lost`] : []),
    ...(duplicates + outOfOrder > 0 ? [`${duplicates} messages twice, ${outOfOrder} out of order`] : []),
    ...peaks
      .filter((peak) => peak > MAXIMUM_PEAK)
      .map((peak) => `peak of reconnects ${peak.toFixed(2)} times the mean`),
    ...(darkMs.sdk.p99 > MAXIMUM_SDK_DARK_MS ? [`SDK without its channels for ${darkMs.sdk.p99} ms (p99)`] : []),
    ...problems.slice(0, 3),
  ];
}

function show(name: string, result: DeployResult): void {
  const { verdict, reconnects, darkMs, stranded, published, healthCalls } = result;
  say(colors.bold(`\n${name}`));
  for (const { count, seconds, meanPerSecond, peakPerSecond } of reconnects) {
    const ratio = (peakPerSecond / meanPerSecond).toFixed(2);
    const rates = `${Math.round(meanPerSecond)}/s on average, ${Math.round(peakPerSecond)}/s at most (${ratio})`;
    say(`  ${count} reconnects in ${seconds.toFixed(1)} s: ${rates}`);
  }
  for (const [kind, { p50, p99, maximum }] of Object.entries(darkMs)) {
    say(`  without channels, ${kind}: p50 ${p50} ms, p99 ${p99} ms, at most ${maximum} ms`);
  }
  const { lost, undetected, duplicates, outOfOrder } = verdict;
  say(`  ${published} messages: ${lost + undetected} holes, ${duplicates} doubles, ${outOfOrder} out of order`);
  say(`  ${stranded.length} stranded, ${healthCalls} calls of DescribeTargetHealth`);
  for (const broken of brokenLimits(result)) say(colors.red(`  ${broken}`));
}

async function run(name: string, isTold: boolean, { clients, rate, drainSeconds }: Options): Promise<DeployResult> {
  const ends: (() => Promise<void> | void)[] = [];
  try {
    const result = await runDeployDrill({
      ...{ clients, rate, drainSeconds, isTold, onEvent: showEvent, onProgress: progress },
      onStarted: (end) => void ends.push(end),
    });
    show(name, result);
    return result;
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

const cases = [
  ["told by the target health", true],
  ["not told before SIGTERM", false],
] as const;
const chosen = cases.filter(([, isTold]) => options.told === options.untold || options.told === isTold);
const results: Record<string, DeployResult> = {};
for (const [name, isTold] of chosen) results[name] = await run(name, isTold, options);
const text = `${JSON.stringify(results, null, 2)}\n`;
if (options.json) process.stdout.write(text);
if (options.output !== undefined) await writeFile(options.output, text);
process.exit(Object.values(results).some((result) => brokenLimits(result).length > 0) ? 1 : 0);
