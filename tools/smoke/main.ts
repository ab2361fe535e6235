/** `npm run smoke -- --url …`: tests a deployed endpoint step by step. Exit code 0 if no step failed. */
import { readFileSync } from "node:fs";
import picocolors from "picocolors";
import * as z from "zod";
import { flag, readCommandLine } from "../command-line.ts";
import { runSmokeTest, type SmokeStep } from "./smoke-test.ts";

const { bold, dim, green, red, yellow } = picocolors;

const USAGE = `usage: npm run smoke -- --url URL [--bus NAME [--region REGION] | --events-endpoint URL]
                         [--token-file FILE] [--timeout SECONDS] [--json]

  --url              the output Endpoint of the deploy: https:// of the gateway, wss:// of the managed edge
  --bus              publishes one event on this EventBridge bus, with the AWS credentials of the environment
  --events-endpoint  publishes it to a local platform instead: http://localhost:3000/dev/aws
  --token-file       a file with a token; or set RT_SMOKE_TOKEN
  --timeout          seconds per step (15)

With a token the event is a notification to the token's user. Without one it is a trade of the market smoke-test,
which clients of all markets get too.`;

const urlOf = (protocol: RegExp, error: string) => z.url({ protocol, error }).transform((text) => new URL(text));

const optionsSchema = z
  .object({
    url: urlOf(/^(http|ws)s?$/, "--url must be an http, https, ws or wss URL"),
    bus: z.string().min(1).optional(),
    region: z.string().min(1).optional(),
    "events-endpoint": urlOf(/^https?$/, "--events-endpoint must be an http or https URL").optional(),
    "token-file": z.string().min(1).optional(),
    timeout: z.coerce.number("--timeout must be a number of seconds").min(1).max(300).default(15),
    json: flag,
  })
  .refine((options) => !options.bus || !options["events-endpoint"], "give --bus or --events-endpoint, not both");

function readToken(file: string | undefined): string | undefined {
  const text = file === undefined ? process.env.RT_SMOKE_TOKEN : readFileSync(file, "utf8");
  return text?.trim() || undefined;
}

const marks = { ok: green("✔"), failed: red("✘"), skipped: yellow("–") } as const;

function print(steps: readonly SmokeStep[]): void {
  for (const { name, outcome, detail, milliseconds } of steps) {
    const time = milliseconds === undefined ? "" : `${milliseconds} ms`;
    console.log(`${marks[outcome]} ${bold(name.padEnd(10))} ${dim(time.padStart(9))}  ${detail}`);
  }
}

const {
  url,
  token,
  timeout,
  bus,
  region,
  "events-endpoint": endpoint,
  json,
} = readCommandLine({
  usage: USAGE,
  texts: ["url", "bus", "region", "events-endpoint", "token-file", "timeout"],
  flags: ["json"],
  schema: optionsSchema.transform((options) => ({ ...options, token: readToken(options["token-file"]) })),
});
const events = bus || endpoint ? { bus, region, endpoint } : undefined;
const steps = await runSmokeTest({ url, token, timeoutMs: timeout * 1_000, events });
if (json) console.log(JSON.stringify({ url: url.href, steps }));
else print(steps);
process.exitCode = steps.some(({ outcome }) => outcome === "failed") ? 1 : 0;
