import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCdk } from "../../tools/infra-report/cdk-command.ts";
import { countRules } from "../../tools/infra-report/rule-counts.ts";
import { synthesizeEnvironment } from "../../tools/infra-report/synth-report.ts";
import { context } from "./synthesize.ts";

const path = process.env.PATH ?? "";
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** The warnings of a trial without a domain, and of the examples in cdk.json. */
const intended = ["Annotation::vezta:plain-http", "Annotation::vezta:example-value"];

/** A synth with bundling and a count of the rules each take seconds, and minutes on a busy machine. */
const LIMIT_MS = 900_000;

describe("cdk synth without AWS, network or Docker", { timeout: LIMIT_MS }, () => {
  it.each(Object.keys(context.environments))("creates the stacks of %s, with every bundle", async (environment) => {
    const { assembly, stacks, findings } = await synthesizeEnvironment(environment, path);
    folders.push(assembly);

    const manifest = readFileSync(join(assembly, "manifest.json"), "utf8");
    expect(manifest).not.toContain('"missing"');
    expect(stacks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(
        ["network", "cache", "gateway", "domain-events"].map((part) => `${environment}-realtime-${part}`),
      ),
    );
    expect(findings.filter((name) => !intended.includes(name))).toEqual([]);
  });

  it("fails with one sentence, without a stack trace, if the configuration is invalid", async () => {
    const { code, stderr } = await runCdk(["synth", "--quiet", "-c", "environment=staging"], { path });

    expect(code).toBe(1);
    expect(stderr).toContain("environment: must be one of dev, prod (-c environment=…), not staging");
    expect(stderr).not.toContain("    at ");
  });
});

describe("the validators of a synth", { timeout: LIMIT_MS }, () => {
  it("have as many rules and schemas as the report counts", () => {
    const { nag, cloudFormation, schemas } = countRules();

    expect(nag).toBeGreaterThan(100);
    expect(cloudFormation).toBeGreaterThan(300);
    expect(schemas).toBeGreaterThan(1_000);
  });
});
