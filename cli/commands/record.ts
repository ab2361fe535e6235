import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { Command } from "commander";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { type Context, FailedError } from "../command/context.ts";
import {
  addClientOptions,
  addJson,
  addSystemOptions,
  type ClientOptions,
  channel,
  number,
  type SystemOptions,
} from "../command/options.ts";
import { parseJsonValues, readText } from "../command/read-text.ts";
import { parseRecording, Recorder } from "../recording/recording.ts";
import { replay } from "../recording/replay.ts";
import { type BusOptions, openBus } from "../system/event-bus.ts";
import { findSystem } from "../system/system.ts";
import { clientUrl, findToken, userOf } from "../system/token.ts";
import { follow } from "../tail/follow.ts";
import { addBusOptions } from "./publish.ts";

interface RecordOptions extends ClientOptions {
  readonly seconds: number;
  readonly output: string;
  readonly json: boolean;
}

interface ReplayOptions extends SystemOptions, BusOptions {
  readonly speed: number;
  readonly json: boolean;
}

const RECORD_EXAMPLES = `
Examples:
  vezta record market:prices market:trades --seconds 60 --output traffic.jsonl
  vezta record user:orders --sub alice --output orders.jsonl

One message a line: at (ms since the first), channel, userId, event, data. vezta replay publishes it again, vezta plan
computes what it costs.`;

const REPLAY_EXAMPLES = `
Examples:
  vezta replay traffic.jsonl                 at the pace of the recording, into npm start
  vezta replay traffic.jsonl --speed 10
  vezta replay traffic.jsonl --url https://staging.example.com --bus vezta-staging

Each message becomes the domain event that it came from, with the present time: clients see it again.`;

async function record(context: Context, channels: readonly Channel[], options: RecordOptions): Promise<void> {
  const { output, signal } = context;
  const system = await findSystem(context, options);
  const token = await findToken(system, options);
  const recorder = new Recorder(
    channels.some((name) => channelDefinition(name).access === "private") ? userOf(token) : undefined,
  );
  const end = AbortSignal.any([signal, AbortSignal.timeout(options.seconds * 1_000)]);
  const file = createWriteStream(options.output);
  let messages = 0;
  await follow({
    ...{ url: clientUrl(system, options), token, channels, signal: end },
    onStatus: (text) => output.note(text),
    onGap: ({ after }) => output.note(`gap after ${after}: the recording lacks what followed`),
    onMessage(message) {
      file.write(`${JSON.stringify(recorder.record(message))}\n`);
      messages += 1;
      output.progress(`${messages} messages`);
    },
  });
  file.end();
  await finished(file);
  if (options.json) output.printJson({ messages, file: options.output });
  else output.print(`${messages} messages in ${options.output}`);
}

async function replayFile(context: Context, file: string, options: ReplayOptions): Promise<void> {
  const { output, signal } = context;
  const messages = parseRecording(file, parseJsonValues(file, await readText(context, file)));
  const bus = openBus(await findSystem(context, options), options);
  try {
    const report = await replay({
      ...{ messages, speed: options.speed, signal },
      put: async (events) => (await bus.put(events)).flatMap((result) => ("error" in result ? [result.error] : [])),
      onProgress: (published) => output.progress(`${published} of ${messages.length} published`),
    });
    output.endProgress();
    if (options.json) output.printJson(report);
    else output.print(`${report.published} published, ${report.refused} refused, at most ${report.lateMs} ms late`);
    if (report.refused > 0) throw new FailedError(`the bus refused events: ${report.reason}`);
  } finally {
    bus.close();
  }
}

export const recordCommand = (context: Context): Command =>
  addClientOptions(addJson(new Command("record")))
    .summary("write the messages of channels to a file")
    .description("Subscribes to channels and writes every message to a file, one a line.")
    .argument("<channels...>", "the channels", (text: string, before: readonly Channel[] = []) => [
      ...before,
      channel(text),
    ])
    .requiredOption("--output <file>", "the file to write")
    .option("--seconds <seconds>", "end after this time", number(0.1, 604_800), 60)
    .addHelpText("after", RECORD_EXAMPLES)
    .action((channels: readonly Channel[], options: RecordOptions) => record(context, channels, options));

export const replayCommand = (context: Context): Command =>
  addBusOptions(addSystemOptions(addJson(new Command("replay"))))
    .summary("publish a recording again")
    .description("Puts the messages of a recording on the bus as domain events, at their own pace.")
    .argument("<file>", "a recording; - for standard input")
    .option("--speed <factor>", "2 is twice as fast", number(0.01, 1_000), 1)
    .addHelpText("after", REPLAY_EXAMPLES)
    .action((file: string, options: ReplayOptions) => replayFile(context, file, options));
