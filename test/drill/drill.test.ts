import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { brokenPromises } from "../../bench/drill/row.ts";

const ENTRY = join(import.meta.dirname, "../../bench/drill/main.ts");
const run = promisify(execFile);

/** Of all faults those that the others are variants of: each takes about 4 s. */
const faults = [
  ...["pubsub-loss", "gateway-kill", "gateway-restart", "clients-drop", "redelivery"],
  ...["link-cut", "link-slow", "redis-pause", "redis-lost-writes"],
];

const count = z.int().min(0);
const row = z.strictObject({
  fault: z.string(),
  ...{ published: count, holesInjected: count, holesDetected: count, holesRepaired: count, undetected: count },
  ...{ duplicates: count, outOfOrder: count, lost: count, lostByRedis: count, reported: count },
  ...{ repairP50Ms: count, repairP99Ms: count },
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vezta-drill-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("npm run drill", () => {
  it("keeps every promise through the faults, on a real cluster, gateways and balancer", {
    timeout: 240_000,
  }, async () => {
    const json = join(folder, "rows.json");

    const { stdout } = await run(process.execPath, [ENTRY, "--quick", "--faults", faults.join(), "--json", json]);

    expect(stdout).toContain("Every promise was kept.");
    const rows = z.array(row).parse(JSON.parse(await readFile(json, "utf8")));
    expect(rows.map(({ fault }) => fault)).toEqual(faults);
    expect(rows.flatMap(brokenPromises)).toEqual([]);
    for (const { published, holesInjected, holesRepaired } of rows) {
      expect(published).toBeGreaterThan(100);
      expect(holesInjected).toBeGreaterThan(0);
      expect(holesRepaired).toBeGreaterThan(0);
    }
    // What Redis itself lost is counted, and the clients concerned were told.
    expect(rows.at(-1)?.lostByRedis).toBeGreaterThan(0);
    expect(rows.at(-1)?.reported).toBeGreaterThan(0);
  });

  it.each([
    [["--faults", "rain"], 'there is no fault "rain"'],
    [["--rate", "fast"], '--rate: "fast" is not a whole number above 0'],
    [["--slow"], "--slow"],
  ])("refuses %j with exit code 2 and its usage", async (words, text) => {
    await expect(run(process.execPath, [ENTRY, ...words])).rejects.toMatchObject({
      code: 2,
      stdout: expect.stringContaining(text),
    });
  });
});
