/** `npm run stream -- inspect|reset …`: looks at one stream in Redis, or deletes it with what guards it. */
import { createInterface } from "node:readline/promises";
import picocolors from "picocolors";
import * as z from "zod";
import { channelNames, isChannel } from "../../contract/channels.ts";
import { messageOf } from "../../kernel/as-error.ts";
import { parseEnvironment, redisEnvironment } from "../../kernel/env.ts";
import { inspectStream, resetStream } from "../../kernel/operations/stream-operations.ts";
import { connectPublisher } from "../../kernel/redis/redis.ts";
import { describeStream } from "../../kernel/streams/publish-outcome.ts";
import { flag, readCommandLine } from "../command-line.ts";
import { describeInspection } from "./describe-inspection.ts";

const { red } = picocolors;

const USAGE = `usage: npm run stream -- inspect --channel CHANNEL [--key KEY] [--json]
       npm run stream -- reset   --channel CHANNEL [--key KEY] [--yes] [--json]

  inspect    prints the newest id against Redis's clock, the version that older ones are compared with, and what gets
             nothing but older states
  reset      deletes the stream and what guards it: the next message is taken whatever its version and id, and clients
             that resume are told recovered: false
  --channel  ${channelNames.join(", ")}
  --key      the market, or the user of a private channel
  --yes      resets without asking

Redis is that of RT_REDIS_URL, RT_REDIS_CLUSTER, RT_REDIS_USERNAME and RT_REDIS_PASSWORD. Exit code 0 when done, 1 when
Redis failed or the question was answered with no, 2 for wrong options.`;

const optionsSchema = z.object({
  words: z.tuple([z.enum(["inspect", "reset"], "the first word must be inspect or reset")]),
  channel: z.string("--channel is missing").refine(isChannel, "--channel: there is no channel of that name"),
  key: z.string().min(1).optional(),
  yes: flag,
  json: flag,
});

async function isConfirmed(name: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`Delete what Redis holds of ${name}? Type yes: `);
  lines.close();
  return answer.trim() === "yes";
}

const { action, channel, key, yes, json, config } = readCommandLine({
  usage: USAGE,
  texts: ["channel", "key"],
  flags: ["yes", "json"],
  hasWords: true,
  schema: optionsSchema.transform(({ words: [action], ...options }) => ({
    ...options,
    action,
    config: parseEnvironment(redisEnvironment, process.env),
  })),
});
const stream = { channel, key };
let lastError = "";
const redis = connectPublisher(config, (error) => {
  lastError = error.message;
});

async function run(): Promise<number> {
  const inspection = await inspectStream(redis, stream);
  if (action === "inspect") {
    console.log(json ? JSON.stringify(inspection) : describeInspection(inspection));
    return 0;
  }
  if (!yes && !(await isConfirmed(describeStream(stream)))) {
    console.error("not reset");
    return 1;
  }
  const entries = await resetStream(redis, stream);
  console.log(
    json ? JSON.stringify({ stream, entries }) : `reset ${describeStream(stream)}: ${entries} entries deleted`,
  );
  return 0;
}

try {
  process.exitCode = await run();
} catch (error) {
  console.error(red([messageOf(error), lastError].filter((text) => text !== "").join(": ")));
  process.exitCode = error instanceof RangeError ? 2 : 1;
} finally {
  redis.disconnect();
}
