import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Redis } from "ioredis";
import { startRedis } from "../../local/redis.ts";
import { invokeBundle, provideRuntime } from "./invoke-bundle.ts";
import { startSecretsManager } from "./secrets-manager.ts";

/** Number of cold starts measured. */
const RUNS = 7;

const root = join(import.meta.dirname, "../..");

const SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:publisher";
const PASSWORD = "a-password-of-this-run";

export interface BundleFigures {
  readonly bundles: number;
  /** Of the largest: the code alone, without its source map. */
  readonly bytes: number;
  readonly gzippedBytes: number;
}

/** Medians over several processes, each a new one, on this machine's processor. */
export interface ColdStart {
  readonly runs: number;
  /** Loading the code and reading the password from a Secrets Manager next door. */
  readonly initMs: number;
  /** The first event: connecting to Redis and publishing. */
  readonly firstEventMs: number;
}

/** The bundles of functions in a cloud assembly. CDK's own functions are no ES modules. */
const bundlesIn = (assembly: string): string[] =>
  readdirSync(assembly)
    .filter((name) => name.startsWith("asset."))
    .map((name) => join(assembly, name))
    .filter((folder) => readdirSync(folder, { withFileTypes: true }).some(({ name }) => name === "index.mjs"))
    .map((folder) => join(folder, "index.mjs"));

export function measureBundles(assembly: string): BundleFigures {
  const sizes = bundlesIn(assembly).map((path) => {
    const code = readFileSync(path);
    return { bytes: code.length, gzippedBytes: gzipSync(code).length };
  });
  const [largest = { bytes: 0, gzippedBytes: 0 }] = sizes.toSorted((a, b) => b.bytes - a.bytes);
  return { bundles: sizes.length, ...largest };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function orderEvent(): unknown {
  const { Source, DetailType, Detail } = JSON.parse(
    readFileSync(join(root, "contract/examples/order-changed.json"), "utf8"),
  );
  return { id: "cold-start", source: Source, "detail-type": DetailType, detail: Detail, time: "2026-01-01T00:00:00Z" };
}

/** Finds the function that takes an event by running each once: they do not say in their bundle what they are. */
async function findTaker(assembly: string, run: (bundle: string) => ReturnType<typeof invokeBundle>): Promise<string> {
  for (const bundle of bundlesIn(assembly)) if ((await run(bundle)).outcome) return bundle;
  throw new Error("no function takes an order event");
}

/** @throws Error where no function takes an order event. */
export async function measureColdStart(assembly: string): Promise<ColdStart> {
  provideRuntime(assembly);
  const redis = await startRedis();
  const secrets = await startSecretsManager({ [SECRET]: PASSWORD });
  const admin = new Redis({ port: redis.port });
  try {
    await admin.call("ACL", "SETUSER", "publisher", "on", `>${PASSWORD}`, "allkeys", "allchannels", "allcommands");
    const environment = {
      RT_REDIS_URL: redis.url,
      RT_REDIS_USERNAME: "publisher",
      RT_REDIS_SECRET_ARN: SECRET,
      POWERTOOLS_SERVICE_NAME: "orders",
      NODE_OPTIONS: "--enable-source-maps",
      ...secrets.environment,
    };
    const run = (bundle: string) => invokeBundle({ bundle, handler: "handler", event: orderEvent(), environment });
    const bundle = await findTaker(assembly, run);
    const outcomes = [];
    for (let index = 0; index < RUNS; index += 1) outcomes.push((await run(bundle)).outcome);
    return {
      runs: RUNS,
      initMs: median(outcomes.map((outcome) => outcome?.initMs ?? Number.NaN)),
      firstEventMs: median(outcomes.map((outcome) => outcome?.handlerMs ?? Number.NaN)),
    };
  } finally {
    admin.disconnect();
    secrets.stop();
    await redis.stop();
  }
}
