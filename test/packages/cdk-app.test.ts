import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Match, Template } from "aws-cdk-lib/assertions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { runCdk } from "../../tools/infra-report/cdk-command.ts";
import { packPackages } from "../../tools/pack/pack-packages.ts";
import { root } from "../../tools/pack/package-source.ts";

/** Installing aws-cdk-lib and packing take minutes on a busy machine. */
const LIMIT_MS = 900_000;

const folder = mkdtempSync(join(tmpdir(), "cdk-app-"));
const assembly = join(folder, "cdk.out");

const manifestSchema = z.looseObject({ dependencies: z.record(z.string(), z.string()) });

/** Copies the example out of this repository and installs it, with our packages from their tarballs. */
async function installExample(): Promise<void> {
  cpSync(join(root, "examples/cdk"), folder, { recursive: true });
  const packed = await packPackages({ names: ["cdk", "publisher"], output: mkdtempSync(join(folder, "tarballs-")) });
  const path = join(folder, "package.json");
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  const tarballs = Object.fromEntries(packed.map(({ packageName, tarball }) => [packageName, `file:${tarball}`]));
  writeFileSync(path, JSON.stringify({ ...manifest, dependencies: { ...manifest.dependencies, ...tarballs } }));
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline"]);
}

const run = (command: string, values: readonly string[]): string =>
  execFileSync(command, values, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

beforeAll(installExample, LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true }));

describe("a CDK app in another repository, from the tarballs alone", { timeout: LIMIT_MS }, () => {
  it("compiles against the packages' types", () => {
    expect(run("npx", ["tsc", "--noEmit"])).toBe("");
  });

  it("loads the constructs in CommonJS and in ES modules", () => {
    const print = "console.log(typeof RealtimePlatform.fromEnvironment, typeof DomainEventPublisher)";

    const required = run("node", [
      "-e",
      `const { RealtimePlatform, DomainEventPublisher } = require("@vezta/realtime-cdk"); ${print}`,
    ]);
    const imported = run("node", [
      "--input-type=module",
      "-e",
      `import { RealtimePlatform, DomainEventPublisher } from "@vezta/realtime-cdk"; ${print}`,
    ]);

    expect([required, imported].map((text) => text.trim())).toEqual(["function function", "function function"]);
  });

  it("synthesises without AWS, network or Docker, and bundles its function with its own packages", async () => {
    const outcome = await runCdk(["synth", "--quiet"], { path: process.env.PATH ?? "", folder });

    expect(outcome).toMatchObject({ code: 0 });
    const template = Template.fromJSON(JSON.parse(readFileSync(join(assembly, "Rewards.template.json"), "utf8")));
    template.hasResourceProperties("AWS::Lambda::Function", {
      Handler: "index.handler",
      VpcConfig: { SubnetIds: [Match.anyValue(), Match.anyValue()], SecurityGroupIds: [{ Ref: Match.anyValue() }] },
      Environment: {
        Variables: Match.objectLike({ RT_REDIS_URL: { Ref: Match.anyValue() }, RT_REDIS_USERNAME: "publisher" }),
      },
    });
    template.hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Action: ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
            Effect: "Allow",
            Resource: { Ref: Match.stringLikeRegexp("redissecretarn") },
          },
        ]),
      },
    });
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      AlarmActions: [{ Ref: Match.stringLikeRegexp("alarmtopicarn") }],
    });
    // The failure queue and the one of its retries.
    template.resourceCountIs("AWS::SQS::Queue", 2);
    const [bundle = ""] = readdirSync(assembly).filter((name) => name.startsWith("asset."));
    const code = readFileSync(join(assembly, bundle, "index.mjs"), "utf8");
    expect(code).toContain("points were added");
    expect(code).toContain("user:notifications");
    expect(code).not.toContain(root);
  });
});
