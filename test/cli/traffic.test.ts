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

    const [report] = jsonLines<{ messages: number }>(run);
    expect(report).toMatchObject({ connected: 12, closed: 0, failed: {}, subscriptions: 24 });
    expect([run.code, run.stderr]).toEqual([0, ""]);
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

describe("vezta plan", () => {
  const line = (at: number, marketId: string, channel = "market:trades") =>
    JSON.stringify({ at, channel, data: { marketId, text: "x".repeat(74) } });
  /** Ten seconds of ten trades a second, over ten markets. */
  const input = Array.from({ length: 101 }, (_, index) => line(index * 100, `m${index % 10}`)).join("\n");
  const plan = async (...values: string[]) => {
    const run = await vezta(["plan", "-", "--json", ...values], { input });
    return jsonLines<{
      deliveriesPerSecond: number;
      traffic: { messagesPerSecond: number; streams: number; bytes: number }[];
      gateway: { tasks: number; bytesPerSecond: number; dollars: { tasks: number; egress: number } }[];
      redis: { shards: number };
      managedEdge: { dollars: number };
    }>(run)[0];
  };

  it("computes deliveries, tasks and cost from a recording", async () => {
    const result = await plan("--connections", "20000", "--markets", "5");

    expect(result?.traffic).toMatchObject([{ messagesPerSecond: 10.1, streams: 10 }]);
    // Half of the markets to each client.
    expect(result?.deliveriesPerSecond).toBeCloseTo(20_000 * 5.05);
    expect(result?.gateway[0]?.tasks).toBe(3);
    expect(result?.gateway[1]?.bytesPerSecond).toBeCloseTo(0.3 * Number(result?.gateway[0]?.bytesPerSecond));
    expect(result?.redis.shards).toBe(1);
    // Each message is paid for, 2.6 millions a month for one a second, and each minute of a connection.
    expect(result?.managedEdge.dollars).toBeCloseTo(20_000 * (5.05 * 2.628 + 0.25 * 0.0438), -1);
  });

  it("adds tasks for connections and for messages, and shards for publishing", async () => {
    const [few, many, loud] = await Promise.all([
      plan("--connections", "1000"),
      plan("--connections", "100000"),
      plan("--connections", "1000", "--scale", "1000"),
    ]);

    expect(many?.gateway[0]?.tasks).toBe(15);
    expect(Number(loud?.gateway[0]?.tasks)).toBeGreaterThan(Number(few?.gateway[0]?.tasks));
    expect(Number(loud?.redis.shards)).toBeGreaterThan(Number(few?.redis.shards));
  });

  it("shows its error against each measured shape", async () => {
    const run = await vezta(["plan", "--model", "--json"]);

    const [rows] = jsonLines<{ shape: string; isFitted: boolean; error: number }[]>(run);
    for (const { shape, error, isFitted } of rows ?? []) {
      expect([shape, Math.abs(error) < (isFitted ? 0.2 : 0.4)]).toEqual([shape, true]);
    }
  });

  it("without a recording says where to get one", async () => {
    const run = await vezta(["plan"]);

    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining("vezta record")]);
  });
});
