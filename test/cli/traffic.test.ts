import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { channelNames } from "../../contract/channels.ts";
import { type LocalPlatform, startPlatform } from "../../local/platform.ts";
import { examples, toMessage } from "../support/messages.ts";
import { jsonLines, vezta } from "../support/vezta.ts";

const folder = mkdtempSync(join(tmpdir(), "vezta-traffic-"));
let platform: LocalPlatform;
let url: string[];
beforeAll(async () => {
  platform = await startPlatform({
    ...{ port: 0, edgePort: 0, gateways: 1, eventsPerSecond: 20, seed: 1, hasPolling: false },
    ...{ onProgress: () => undefined, onNotice: () => undefined },
  });
  url = ["--url", `http://127.0.0.1:${platform.port}`];
});
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true });
});

describe("vezta load", () => {
  it.each([
    ["the gateway", []],
    ["the managed edge", ["--managed"]],
  ])("holds connections on %s, and counts what they get", async (_name, more) => {
    const run = await vezta([
      ...[
        "load",
        "--connections",
        "12",
        "--subscriptions",
        "2",
        "--rate",
        "50",
        "--seconds",
        "2",
        "--json",
        ...url,
        ...more,
      ],
    ]);

    expect(run.stderr).toBe("");
    expect(run.code).toBe(0);
    const [report] = jsonLines<{ messages: number }>(run);
    expect(report).toMatchObject({ connected: 12, closed: 0, failed: {}, subscriptions: 24 });
    expect(report?.messages).toBeGreaterThan(0);
  });

  it("names the reason of connections that fail, and ends with 1", async () => {
    const run = await vezta([
      "load",
      "--connections",
      "3",
      "--seconds",
      "1",
      "--mix",
      "monitor:signals",
      "--json",
      "--url",
      "http://127.0.0.1:1",
    ]);

    expect(run.code).toBe(1);
    const [report] = jsonLines<{ failed: Record<string, number> }>(run);
    expect(Object.entries(report?.failed ?? {})).toEqual([[expect.stringContaining("ECONNREFUSED"), 3]]);
  });

  it.each([
    ["a mix of no channel", ["--mix", "market:nothing"], 'no channel "market:nothing"'],
    ["a private channel", ["--mix", "user:orders"], "is private"],
    ["a weight of 0", ["--mix", "market:prices=0"], "positive number"],
    ["no connections", ["--connections", "0"], "whole number from 1"],
  ])("refuses %s", async (_name, values, reason) => {
    const run = await vezta(["load", ...values, ...url]);

    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(reason)]);
  });
});

describe("vezta record and replay", () => {
  it("publishes again what was recorded", async () => {
    const file = join(folder, "traffic.jsonl");
    const recorded = await vezta([
      "record",
      "market:orderbook",
      "market:trades",
      "--seconds",
      "5",
      "--output",
      file,
      "--json",
      ...url,
    ]);
    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect(jsonLines(recorded)).toEqual([{ messages: lines.length, file }]);

    const run = await vezta(["replay", file, "--speed", "10", "--json", ...url]);

    expect(jsonLines(run)).toMatchObject([{ published: lines.length, refused: 0 }]);
    expect(await (await fetch(`http://127.0.0.1:${platform.port}/dev/failures`)).json()).toEqual({ failures: [] });
  });

  it("replays a message of every channel, as the event that it came from", async () => {
    const lines = examples.map((example) => {
      const { channel, data, key } = toMessage(example);
      return { at: 0, channel, data, ...(channel.startsWith("user:") ? { userId: key } : {}) };
    });
    expect(new Set(lines.map(({ channel }) => channel))).toEqual(new Set(channelNames));
    const input = lines.map((line) => JSON.stringify(line)).join("\n");

    const run = await vezta(["replay", "-", "--json", ...url], { input });

    expect(jsonLines(run)).toMatchObject([{ published: examples.length, refused: 0 }]);
  });

  it("refuses a file that is no recording by its line", async () => {
    const file = join(folder, "wrong.jsonl");
    writeFileSync(file, '{"at":0,"channel":"market:prices","data":{}}\n{"at":1,"channel":"other","data":{}}\n');

    const run = await vezta(["replay", file, ...url]);

    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining("line 2")]);
  });
});
