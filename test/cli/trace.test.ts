import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LocalPlatform } from "../../local/platform.ts";
import { startQuietPlatform } from "../../local/quiet-platform.ts";
import { connectClient, type TestClient } from "../support/client.ts";
import { examples } from "../support/messages.ts";
import { vezta } from "../support/vezta.ts";

const CONTEXT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const folder = mkdtempSync(join(tmpdir(), "vezta-trace-"));
let platform: LocalPlatform;
let client: TestClient;
let url: string[];
beforeAll(async () => {
  platform = await startQuietPlatform();
  url = ["--url", `http://127.0.0.1:${platform.port}`];
  client = await connectClient(`http://127.0.0.1:${platform.port}`);
  await client.ask("subscribe", { channel: "market:trades" });
});
afterAll(async () => {
  client.close();
  await platform.stop();
  rmSync(folder, { recursive: true });
});

describe("vezta trace", () => {
  it("shows where a message spent its time, from the bus to the socket", async () => {
    const { Source, DetailType, Detail } = examples.find(({ DetailType: type }) => type === "TradeExecuted") ?? {};
    const file = join(folder, "trade.json");
    writeFileSync(
      file,
      JSON.stringify({ Source, DetailType, Detail: { ...Detail, id: "traced", traceparent: CONTEXT } }),
    );
    expect((await vezta(["publish", file, ...url])).code).toBe(0);
    await expect.poll(() => client.messages.length).toBeGreaterThan(0);
    const id = client.messages.at(-1)?.id ?? "";
    await expect.poll(async () => (await vezta(["trace", id, ...url])).stdout).toContain("gateway: gateway write");
    const { stdout } = await vezta(["trace", id, ...url]);
    expect(stdout).toMatch(/publisher: redis publish +█+ +[\d.]+ ms/);
    expect(stdout).toMatch(/\nin all +[\d.]+ ms/);
    const spans = JSON.parse((await vezta(["trace", "--json", ...url])).stdout);
    expect(spans[0]).toMatchObject({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736" });
  });

  it("ends with 1 for a message that was not traced, and with 2 for what is no id or no file of spans", async () => {
    const broken = join(folder, "spans.json");
    writeFileSync(broken, "{}");
    const [unknown, noId, noSpans] = await Promise.all([
      vezta(["trace", "1-0", ...url]),
      vezta(["trace", "newest", ...url]),
      vezta(["trace", "--file", broken]),
    ]);
    expect([unknown.code, noId.code, noSpans.code]).toEqual([1, 2, 2]);
    expect(unknown.stderr).toContain("1-0 was not traced");
    expect(noSpans.stderr).toContain("no spans as OTLP");
  });
});
