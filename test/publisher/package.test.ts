import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { Runtime } from "aws-cdk-lib/aws-lambda";
import { NodejsFunction } from "aws-cdk-lib/aws-lambda-nodejs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { provideRuntime } from "../../tools/infra-report/invoke-bundle.ts";
import { packPackages } from "../../tools/pack/pack-packages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/lambda");

const ADAPTERS = join(import.meta.dirname, "../../examples/adapters");

/** Packages are built, and others come over the network. */
const LIMIT_MS = 600_000;

const MAXIMUM_INSTALLED_BYTES = 60_000_000;

/** Banner that, by esbuild's documentation, an ES module bundle of CommonJS packages (ioredis) needs. */
const BANNER = 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);';

let folder: string;
let platform: Platform;

/** Runs a command in the other team's repository. Rejects, with its output, where it fails. */
function run(command: string, ...values: readonly string[]): string {
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
  return execFileSync(command, values, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env });
}

const install = (...values: readonly string[]): string =>
  run("npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...values);

function sizeOf(path: string): number {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.reduce((sum, { name, parentPath }) => sum + readFileSync(join(parentPath, name)).length, 0);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "deposits-"));
  const [packed] = await packPackages({ names: ["publisher"], output: join(folder, "packages") });
  if (!packed) throw new Error("no package was packed");
  for (const name of ["src", "test", "tsconfig.json"])
    cpSync(join(EXAMPLE, name), join(folder, name), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(EXAMPLE, "package.json"), "utf8"));
  manifest.dependencies[packed.packageName] = `file:${packed.tarball}`;
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  install("--omit=dev");
  platform = await startPlatform({ gateways: 1 });
}, LIMIT_MS);
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true });
});

/** Runs the handler of a bundle, as Lambda does, and ends its process. */
function invoke(bundle: string, user: string): void {
  const event = { id: `deposit-of-${user}`, time: "2026-01-01T00:00:00Z", detail: { userId: user, amount: "250" } };
  const program = `import(${JSON.stringify(bundle)})
    .then(({ handler, default: all }) => (handler ?? all.handler)(${JSON.stringify(event)}))
    .then(() => process.exit(0))`;
  const env = { PATH: process.env.PATH, RT_REDIS_URL: platform.redis.url, AWS_LAMBDA_FUNCTION_NAME: "deposits" };
  execFileSync(process.execPath, ["--eval", program], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
}

async function expectDeposit(bundle: string, user: string): Promise<void> {
  const client = await platform.connect({ user });
  await client.ask("subscribe", { channel: "user:notifications" });
  invoke(bundle, user);
  const [received] = await client.waitForMessages("user:notifications", 1);
  expect(received?.data).toMatchObject({ body: "250 USDC has arrived in your account." });
}

describe("a repository that has nothing but the package", { timeout: LIMIT_MS }, () => {
  it("installs at most 60 MB, and nothing of CDK", () => {
    const size = sizeOf(join(folder, "node_modules"));
    process.stdout.write(`@vezta/realtime-publisher installs ${(size / 1_000_000).toFixed(1)} MB\n`);
    expect(size).toBeLessThan(MAXIMUM_INSTALLED_BYTES);
    expect(existsSync(join(folder, "node_modules/aws-cdk-lib"))).toBe(false);
  });

  it.each([
    ["CommonJS", "commonjs", "const load = require;"],
    ["an ES module", "module", "const load = (name) => import(name);"],
  ])("loads it from %s, with the same errors in both entries", (_name, type, loader) => {
    const program = `${loader}
      (async () => {
        const { PublishError, InvalidMessageError, publish } = await load("@vezta/realtime-publisher");
        const { createFakePublisher } = await load("@vezta/realtime-publisher/testing");
        const error = await createFakePublisher().publish({ channel: "user:orders" }).catch((reason) => reason);
        const missing = await publish([]).catch((reason) => reason.name);
        console.log(error instanceof PublishError, error.cause instanceof InvalidMessageError, missing);
      })();`;
    const output = run(process.execPath, `--input-type=${type}`, "--eval", program);
    expect(output.trim()).toBe("true true ConfigurationError");
  });

  it("does not load Redis, the AWS SDK or Powertools with the fake", () => {
    const program = `require("@vezta/realtime-publisher/testing");
      console.log(JSON.stringify(Object.keys(require.cache).filter((path) => /ioredis|aws/.test(path))));`;
    expect(JSON.parse(run(process.execPath, "--input-type=commonjs", "--eval", program))).toEqual([]);
  });
});

describe("a Lambda function of another repository", { timeout: LIMIT_MS }, () => {
  beforeAll(() => {
    install();
  }, LIMIT_MS);

  it("type-checks, with the examples of the package's page, and its unit test with the fake passes", () => {
    const page = readFileSync(join(folder, "node_modules/@vezta/realtime-publisher/README.md"), "utf8");
    const examples = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);
    expect(examples).toHaveLength(4);
    for (const [index, text] of examples.entries()) writeFileSync(join(folder, `src/example-${index}.ts`), text);
    run("npm", "run", "check");
    for (const index of [2, 3]) run(process.execPath, `src/example-${index}.ts`);
    expect(run("npm", "test")).toMatch(/pass 3\n.*fail 0/s);
  });

  it("that adapts the feeds of exchanges type-checks, and all of its events are accepted", () => {
    const adapters = join(folder, "adapters");
    cpSync(ADAPTERS, adapters, { recursive: true });
    run("npx", "tsc", "--noEmit", "-p", "adapters");
    expect(run(process.execPath, "--test", "adapters/test/adapters.test.ts")).toMatch(/pass 6\n.*fail 0/s);
    rmSync(adapters, { recursive: true });
  });

  it("bundled by esbuild with its defaults (CommonJS), reaches a Socket.IO client", async () => {
    run("npm", "run", "bundle");
    await expectDeposit(join(folder, "dist/index.cjs"), "cjs");
  });

  it("bundled by esbuild as an ES module, reaches a Socket.IO client", async () => {
    const options = ["--bundle", "--platform=node", "--format=esm", "--outfile=dist/index.mjs"];
    run("npx", "esbuild", "src/deposits.handler.ts", ...options, `--banner:js=${BANNER}`);
    await expectDeposit(join(folder, "dist/index.mjs"), "esm");
  });

  it("bundled by NodejsFunction with its defaults, reaches a Socket.IO client", async () => {
    const outdir = join(folder, "cdk.out");
    const stack = new Stack(new App({ outdir }), "Deposits");
    new NodejsFunction(stack, "Function", {
      entry: join(folder, "src/deposits.handler.ts"),
      projectRoot: folder,
      depsLockFilePath: join(folder, "package-lock.json"),
      runtime: Runtime.NODEJS_24_X,
    });
    mkdirSync(outdir, { recursive: true });
    provideRuntime(outdir);
    const [asset = ""] = readdirSync(outdir).filter((name) => name.startsWith("asset."));
    // The folder's package.json says that .js files are ES modules; Lambda has none.
    writeFileSync(join(outdir, asset, "package.json"), JSON.stringify({ type: "commonjs" }));
    await expectDeposit(join(outdir, asset, "index.js"), "cdk");
  });
});
