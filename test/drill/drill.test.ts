import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { brokenPromises } from "../../drill/row.ts";

const ENTRY = join(import.meta.dirname, "../../drill/main.ts");
const run = promisify(execFile);

/** One of each family: each takes some seconds. Those first that surely make holes between Redis and the gateways. */
const piercing = ["pubsub-loss", "redis-lost-writes"];
const faults = [...piercing, "silent-redis", "edge-function-kill", "mount-storm", "producers-disorder", "clock-jump"];

const count = z.int().min(0);
const counts = z.record(z.string(), count);
const row = z.strictObject({
  fault: z.string(),
  ...{ published: count, holesInjected: count, holesDetected: count, holesRepaired: count, undetected: count },
  ...{ duplicates: count, outOfOrder: count, lost: count, lostByRedis: count, reported: count },
  ...{ repairP50Ms: count, repairP99Ms: count, histories: count, applied: count, told: count, violations: count },
  ...{ violationKinds: counts, did: counts },
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vezta-drill-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("npm run drill", () => {
  it("keeps every delivery guarantee through the faults, on a real cluster, gateways, the managed edge and the SDK", {
    timeout: 1_800_000,
  }, async () => {
    const json = join(folder, "rows.json");

    const words = [ENTRY, "--quick", "--faults", faults.join(), "--json", json];
    // With its output, also where it fails: that says which promise was broken.
    const stdout = await run(process.execPath, words).then(
      (ended) => ended.stdout,
      (failed: { readonly stdout: string; readonly stderr: string }) => `${failed.stdout}${failed.stderr}`,
    );

    expect(stdout).toContain("Every promise was kept.");
    const rows = z.array(row).parse(JSON.parse(await readFile(json, "utf8")));
    expect(rows.map(({ fault }) => fault)).toEqual(faults);
    expect(rows.flatMap(brokenPromises)).toEqual([]);
    for (const { published, histories, applied } of rows) {
      expect(published).toBeGreaterThan(100);
      expect(histories).toBeGreaterThan(100);
      expect(applied).toBeGreaterThan(published);
    }
    for (const { fault, holesInjected, holesRepaired } of rows.filter((each) => piercing.includes(each.fault))) {
      expect([fault, holesInjected > 0, holesRepaired > 0]).toEqual([fault, true, true]);
    }
    // Every new fault did what it is for.
    const idle = rows.filter(({ fault, did }) => !piercing.includes(fault) && !Object.values(did).some((n) => n > 0));
    expect(idle).toEqual([]);
    // What Redis itself lost is counted, and the clients concerned were told.
    const lossy = rows.find(({ fault }) => fault === "redis-lost-writes");
    expect(lossy?.lostByRedis).toBeGreaterThan(0);
    expect(lossy?.reported).toBeGreaterThan(0);
    expect(lossy?.told).toBeGreaterThan(0);
  });

  it.each([
    [["--faults", "rain"], /at faults\[0\][\s\S]*npm run drill -- /],
    [["--rate", "fast"], /at rate[\s\S]*npm run drill -- /],
    [["--slow"], /--slow[\s\S]*npm run drill -- /],
  ])("refuses %j with exit code 2 and its usage", async (words, text) => {
    await expect(run(process.execPath, [ENTRY, ...words])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(text),
    });
  });
});
