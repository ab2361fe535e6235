import { Command } from "commander";
import picocolors from "picocolors";
import * as z from "zod";
import type { Message } from "../../client/core/types.ts";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import { timeOf } from "../../contract/ids.ts";
import { DEPTHS, type Depth } from "../../contract/limits.ts";
import { type Context, FailedError, UsageError } from "../command/context.ts";
import {
  addClientOptions,
  addJson,
  type ClientOptions,
  channel,
  number,
  parser,
  wholeNumber,
} from "../command/options.ts";
import { findSystem } from "../system/system.ts";
import { clientUrl, findToken } from "../system/token.ts";
import { Chain } from "../tail/chain.ts";
import { follow } from "../tail/follow.ts";

const { dim, bold, red, yellow } = picocolors;

interface TailOptions extends ClientOptions {
  readonly market?: string;
  readonly from?: string;
  readonly depth?: Depth;
  readonly verify: boolean;
  readonly count?: number;
  readonly seconds?: number;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  vezta tail market:prices                        every market
  vezta tail market:orderbook --market m1 --depth 5
  vezta tail user:orders --sub alice --from 0-0   all that is held, then live
  vezta tail market:trades --verify --seconds 60  exit code 1 if one message is missing

--verify compares the prev of every message with the id before it, and counts the state messages whose sum proved the
whole value; it reports when the command ends.`;

const MAXIMUM_LINE = 160;

const depth = parser(
  z.coerce.number<string>().pipe(
    z.union(
      DEPTHS.map((each) => z.literal(each)),
      `It must be one of ${DEPTHS.join(", ")}.`,
    ),
  ),
);

function describe({ channel: name, marketId, event, data, id }: Message): string {
  const time = new Date(timeOf(id)).toISOString().slice(11, 23);
  const text = JSON.stringify(data);
  const shown = text.length > MAXIMUM_LINE ? `${text.slice(0, MAXIMUM_LINE)}… (${text.length} characters)` : text;
  const subject = [name, marketId, event].filter((each) => each !== undefined).join(" ");
  return `${dim(time)} ${bold(subject)} ${dim(id)} ${shown}`;
}

/** Resolves the signal of a run that also ends after some seconds or messages. */
function createEnd(context: Context, { seconds }: TailOptions): AbortController {
  const end = new AbortController();
  context.signal.addEventListener("abort", () => end.abort(), { once: true });
  if (context.signal.aborted) end.abort();
  if (seconds !== undefined) setTimeout(() => end.abort(), seconds * 1_000).unref();
  return end;
}

async function tail(context: Context, name: Channel, options: TailOptions): Promise<void> {
  const { output } = context;
  const { market, from, depth, verify, count, json } = options;
  if (market !== undefined && channelDefinition(name).key !== "marketId") {
    throw new UsageError(`channel ${name} is not split by market: leave out --market`);
  }
  const system = await findSystem(context, options);
  const end = createEnd(context, options);
  const chain = new Chain();
  const states = await follow({
    ...{ url: clientUrl(system, options), token: await findToken(system, options), channels: [name] },
    ...{ marketId: market, lastId: from, depth, signal: end.signal },
    onStatus: (text) => output.note(dim(text)),
    onGap(gap) {
      chain.reportGap(gap);
      output.note(yellow(`gap after ${gap.after}: what followed is no longer held`));
    },
    onMessage(message) {
      if (end.signal.aborted) return;
      const broken = chain.take(message);
      if (json) output.printJson(message);
      else output.print(describe(message));
      if (verify && broken)
        output.note(red(`hole before ${message.id}: prev is ${message.prev}, not ${broken.expected}`));
      if (chain.report.messages === count) end.abort();
    },
  });
  if (!verify) return;
  const report = { ...chain.report, verifiedStates: states.verifiedStates, wrongStates: states.wrongStates };
  if (json) output.printJson({ verified: report });
  else {
    output.note(
      `${report.messages} messages of ${report.streams} streams: ${report.links} links compared, ${report.broken} broken; ` +
        `${report.gaps} gaps reported; ${report.verifiedStates} sums proved, ${report.wrongStates} wrong`,
    );
  }
  if (report.broken + report.gaps + report.wrongStates > 0) throw new FailedError("verification failed");
}

export const tailCommand = (context: Context): Command =>
  addClientOptions(addJson(new Command("tail")))
    .summary("print the messages of a channel as they arrive")
    .description("Subscribes to a channel as an application does, and prints every message until Ctrl-C.")
    .argument("<channel>", "the channel", channel)
    .option("--market <id>", "one market of a channel that is split by market")
    .option("--from <id>", "start after this id; 0-0 is the oldest message that is held")
    .option("--depth <levels>", `price levels a side: ${DEPTHS.join(", ")}`, depth)
    .option("--verify", "prove that no message is missing and that every state has its sum", false)
    .option("--count <messages>", "end after this many messages", wholeNumber(1, 1_000_000_000))
    .option("--seconds <seconds>", "end after this time", number(0.1, 604_800))
    .addHelpText("after", EXAMPLES)
    .action((name: Channel, options: TailOptions) => tail(context, name, options));
