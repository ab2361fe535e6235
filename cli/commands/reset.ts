import { Command } from "commander";
import type { Channel } from "../../contract/channels.ts";
import { resetStream } from "../../kernel/operations/stream-operations.ts";
import { describeStream } from "../../kernel/streams/publish-outcome.ts";
import type { Context } from "../command/context.ts";
import { addJson, addSystemOptions, channel, type SystemOptions, streamOf } from "../command/options.ts";
import { withRedis } from "../system/redis.ts";
import { findSystem } from "../system/system.ts";
import { confirm } from "./confirm.ts";

interface ResetOptions extends SystemOptions {
  readonly key?: string;
  readonly yes: boolean;
  readonly json: boolean;
}

const EXAMPLES = `
Example:
  vezta reset market:prices --key m1

For a stream that is stuck behind a version or an id of the future (vezta inspect stream shows it): the next message is
taken whatever its version and id, and clients that resume are told recovered: false.`;

async function reset(context: Context, name: Channel, options: ResetOptions): Promise<void> {
  const { output } = context;
  const stream = streamOf(name, options.key);
  if (!options.yes) await confirm(context, `Delete what Redis holds of ${describeStream(stream)}?`);
  const system = await findSystem(context, options);
  const entries = await withRedis(system, (redis) => resetStream(redis, stream));
  if (options.json) output.printJson({ stream, entries });
  else output.print(`reset ${describeStream(stream)}: ${entries} entries deleted`);
}

export const resetCommand = (context: Context): Command =>
  addSystemOptions(addJson(new Command("reset")))
    .summary("delete one stream and what guards it")
    .description("Deletes a stream in Redis with its versions, so that the next message starts it anew.")
    .argument("<channel>", "the channel", channel)
    .option("--key <key>", "the market, or the user of a private channel")
    .option("--yes", "do it without asking", false)
    .addHelpText("after", EXAMPLES)
    .action((name: Channel, options: ResetOptions) => reset(context, name, options));
