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

// With bundling a synth takes several seconds, and much longer on a busy machine.
describe("cdk synth without AWS, network or Docker", { timeout: 180_000 }, () => {
  it.each(Object.keys(context.environments))("makes the stacks of %s, with every bundle", async (environment) => {
    const { assembly, stacks, findings } = await synthesizeEnvironment(environment, path);
    folders.push(assembly);

    const manifest = readFileSync(join(assembly, "manifest.json"), "utf8");
    expect(manifest).not.toContain('"missing"');
    expect(stacks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(
        ["network", "cache", "gateway", "domain-events"].map((part) => `${environment}-realtime-${part}`),
      ),
    );
    expect(findings.filter((name) => name !== "Annotation::vezta:plain-http")).toEqual([]);
  });

  it("stops with a sentence, and nothing else of ours, where the configuration is wrong", async () => {
    const { code, stderr } = await runCdk(["synth", "--quiet", "-c", "environment=staging"], { path });

    expect(code).toBe(1);
    expect(stderr).toContain("environment: must be one of dev, prod (-c environment=…), not staging");
    expect(stderr).not.toContain("    at ");
  });
});

describe("what checks a synth", () => {
  it("has the rules and schemas that the report counts", () => {
    const { nag, cloudFormation, schemas } = countRules();

    expect(nag).toBeGreaterThan(100);
    expect(cloudFormation).toBeGreaterThan(300);
    expect(schemas).toBeGreaterThan(1_000);
  });
});
