import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../bench/fan-out/options.ts";
import type { Row } from "../../bench/fan-out/row.ts";
import { serverNames } from "../../bench/fan-out/servers/servers.ts";
import { shapeNames } from "../../bench/fan-out/shapes.ts";
import { parseCommandLine } from "../../tools/command-line.ts";
import { childrenOf } from "../support/child-processes.ts";

const ENTRY = join(import.meta.dirname, "../../bench/fan-out/main.ts");
const LIMIT_MS = 180_000;

let folder = "";
const started: ChildProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bench-"));
});
afterAll(async () => {
  for (const child of started) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

function bench(...values: string[]): ChildProcess {
  const child = spawn(process.execPath, [ENTRY, ...values], { stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  return child;
}

async function outcome(child: ChildProcess): Promise<{ code: number; output: string }> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  const [code] = await once(child, "close");
  return { code, output };
}

describe("the command line", () => {
  it.each([
    ["--runs=0", "runs"],
    ["--stalled-seconds=x", "stalled-seconds"],
    ["--shapes=", "shapes"],
    ["--nonsense", "--nonsense"],
  ])("refuses %s by name", (option, name) => {
    expect(() => parseCommandLine(command, [option])).toThrow(name);
  });

  it("writes the documentation only if everything was measured, or with --docs", () => {
    const writes = (...values: string[]): boolean => parseCommandLine(command, values).writesDocs;

    expect([writes(), writes("--json", "x"), writes("--quick"), writes("--quick", "--docs")]).toEqual([
      ...[true, true, false, true],
    ]);
  });

  it("measures every server named with --servers, and only the usual servers by default", () => {
    const servers = (...values: string[]) => parseCommandLine(command, values).shapes.get("stalled")?.servers;

    expect(servers()).toEqual(["gateway", "stock"]);
    expect(servers("--servers", "ws")).toContain("ws");
  });
});

describe("npm run bench", { timeout: LIMIT_MS }, () => {
  it("writes a row for every server, with every message delivered to every client", async () => {
    const file = join(folder, "rows.json");
    const values = ["--quick", "--runs", "1", "--shapes", "bursts", "--servers", "gateway,stock", "--json", file];

    const { code, output } = await outcome(bench(...values));

    expect([code, output]).toEqual([0, expect.stringContaining("### `bursts`")]);
    const rows: Row[] = JSON.parse(await readFile(file, "utf8"));
    const positive = expect.toSatisfy((value: unknown) => typeof value === "number" && value > 0);
    expect(rows).toMatchObject(
      ["gateway", "stock"].map((server) => ({
        ...{ shape: "bursts", server, runs: 1 },
        ...{ cpuMicrosPerDelivery: positive, deliveriesPerSecond: positive, p50Ms: positive, p99Ms: positive },
        // Two seconds, two bursts of 20 a second, 1,000 clients.
        ...{ deliveries: 80_000, missing: 0 },
      })),
    );
  });

  it.each([
    ["--shapes", "bursts,nothing", shapeNames],
    ["--servers", "nobody", serverNames],
  ])("refuses %s %s and lists the valid names", async (option, value, known) => {
    const { code, output } = await outcome(bench(option, value));

    expect([code, output]).toEqual([2, expect.stringContaining(known.join(", "))]);
  });

  it("leaves no process behind when it is interrupted", async () => {
    const child = bench("--shapes", "singles", "--servers", "stock");
    const done = outcome(child);
    const pid = Number(child.pid);
    // Redis, the server and the load client.
    await expect.poll(() => (child.exitCode === null ? childrenOf(pid).length : -1)).toBe(3);
    const children = childrenOf(pid);

    child.kill("SIGINT");

    expect((await done).code).toBe(130);
    await expect.poll(() => children.filter((each) => existsSync(`/proc/${each}`))).toEqual([]);
  });
});
