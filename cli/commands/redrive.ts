import { KinesisClient } from "@aws-sdk/client-kinesis";
import { SQSClient } from "@aws-sdk/client-sqs";
import { Command } from "commander";
import picocolors from "picocolors";
import { type Context, FailedError, UsageError } from "../command/context.ts";
import { addJson, addSystemOptions, type SystemOptions, wholeNumber } from "../command/options.ts";
import { type RedriveResult, redrive } from "../redrive/redrive.ts";
import { awsSettings, LOCAL_AWS } from "../system/event-bus.ts";
import { findSystem, type System } from "../system/system.ts";

const { dim, green, yellow } = picocolors;

interface RedriveCommandOptions extends SystemOptions {
  readonly to?: string;
  readonly region?: string;
  readonly dryRun: boolean;
  readonly limit: number;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  vezta redrive --dry-run                    what npm start's failure queue holds, and why
  vezta redrive https://sqs.eu-central-1.amazonaws.com/111122223333/orders-Failures --dry-run
  vezta redrive https://sqs.eu-central-1.amazonaws.com/111122223333/orders-Failures --limit 10

Mend the cause first: an event that is wrong in itself fails again, and comes back. Events keep their ids, so that one that
was published after all is a duplicate, as long as the channel remembers it. Records of a Kinesis stream of which the queue
has only the place are read from the stream while it holds them. Exit code 1 if a message was left in the queue.`;

function describe({ outcome, subject, reason, ageSeconds, events, note }: RedriveResult): string {
  const mark = outcome === "left" ? yellow("!") : green("✔");
  const several = events > 1 ? ` (${events} events)` : "";
  const left = note === undefined || note === reason ? "" : `\n  ${yellow(note)}`;
  return `${mark} ${outcome}: ${subject}${several} ${dim(`${ageSeconds} s ago`)}\n  ${reason}${left}`;
}

/** Returns the queue to read and the settings of the clients for it. */
function queueOf(system: System, queue: string | undefined, region: string | undefined) {
  const settings = system.local ? { ...LOCAL_AWS } : awsSettings(system, region);
  const queueUrl = queue ?? system.local?.failureQueueUrl;
  if (queueUrl !== undefined && URL.canParse(queueUrl)) return { queueUrl, settings };
  if (queueUrl !== undefined)
    throw new UsageError(`${queueUrl} is no queue URL: https://sqs.<region>.amazonaws.com/<account>/<name>`);
  throw new UsageError(`name the failure queue by its URL: there is no local system at ${system.url.origin}`);
}

async function run(context: Context, queue: string | undefined, options: RedriveCommandOptions): Promise<void> {
  const { output, signal } = context;
  const system = await findSystem(context, options);
  const { queueUrl, settings } = queueOf(system, queue, options.region);
  // A local queue has its own endpoint, in its URL.
  const endpoint = system.local ? { endpoint: new URL(queueUrl).origin } : {};
  const sqs = new SQSClient({ ...settings, ...endpoint });
  const kinesis = new KinesisClient({ ...settings });
  try {
    const results = await redrive({
      ...{ sqs, kinesis, queueUrl, retryUrl: options.to, isDryRun: options.dryRun, limit: options.limit, signal },
      onMessage: (result) => (options.json ? output.printJson(result) : output.print(describe(result))),
    });
    if (results.length === 0 && !options.json) output.print("the failure queue is empty");
    if (results.some(({ outcome }) => outcome === "left")) throw new FailedError("messages were left in the queue");
  } finally {
    sqs.destroy();
    kinesis.destroy();
  }
}

export const redriveCommand = (context: Context): Command =>
  addSystemOptions(addJson(new Command("redrive")))
    .summary("put failed events back")
    .description("Reads a failure queue, says why each event failed, and puts it into the retry queue of its function.")
    .argument("[queue]", "the URL of the failure queue (default: that of npm start)")
    .option("--dry-run", "only say what is there", false)
    .option("--to <queue>", "the URL of the retry queue, if it cannot be found by the failure queue")
    .option("--limit <messages>", "most messages", wholeNumber(1, 1_000_000), 1_000)
    .option("--region <region>", "the AWS region, if the environment does not say it")
    .addHelpText("after", EXAMPLES)
    .action((queue: string | undefined, options: RedriveCommandOptions) => run(context, queue, options));
