import clusterKeySlot from "cluster-key-slot";
import { describe, expect, it } from "vitest";
import { between } from "../../bench/generated-text.ts";
import { foreignShare, verdict } from "../../bench/publish/conditions.ts";
import { ONE_TRADE } from "../../bench/publish/methods.ts";
import { toMarkdown } from "../../bench/publish/report.ts";
import { type Sample, toRows } from "../../bench/publish/row.ts";
import { stagesOf, toStartRows } from "../../bench/publish/start-row.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";

const sample = (messages: number, ...nodeCpuMicros: number[]): Sample => ({
  messages,
  ...{ seconds: 2, publisherCpuMicros: messages * 50, nodeCpuMicros },
});

const measured = [
  { redis: "one Redis", method: "`PUBLISH`", samples: [sample(100, 200), sample(100, 400)] },
  { redis: "cluster, 1 shard", method: "`publish()`", samples: [sample(100, 1_000), sample(100, 1_000)] },
  { redis: "cluster, 2 shards", method: "`publish()`", samples: [sample(100, 500, 500), sample(200, 1_500, 500)] },
];

describe("a row of publishing", () => {
  const [plain, oneShard, twoShards] = toRows(measured, "cluster, 1 shard");

  it("adds the nodes' CPU time, and takes the busiest for the limit", () => {
    expect(twoShards).toMatchObject({
      runs: 2,
      messagesPerSecond: { median: 75, minimum: 50, maximum: 100 },
      redisCpuMicros: { median: 10, minimum: 10, maximum: 10 },
      busiestShare: 0.625,
      limitPerSecond: { minimum: 133_333.33333333334, maximum: 200_000 },
    });
  });

  it("has the publisher's CPU time, and Redis's over that of one trade on the same Redis", () => {
    const [trade, change] = toRows(
      [
        { redis: "one Redis", method: ONE_TRADE, samples: [sample(100, 2_000), sample(100, 3_000)] },
        { redis: "one Redis", method: "change", samples: [sample(100, 3_000), sample(100, 3_000)] },
      ],
      "",
    );

    expect(change).toMatchObject({ publisherCpuMicros: { median: 50 }, timesTrade: 1.25 });
    expect(trade?.timesTrade).toBe(1);
  });

  it("is compared run by run with plain PUBLISH on one Redis, and with one shard", () => {
    expect(plain).toMatchObject({ timesPublish: 1, timesOneShard: null });
    expect(oneShard).toMatchObject({ timesPublish: 3.75, timesOneShard: 1 });
    expect(twoShards?.timesOneShard).toBeCloseTo((2 + 4 / 3) / 2);
  });
});

describe("a row of starts", () => {
  const times = { spawnedAt: 100, startedAt: 120, loadedAt: 170, calledAt: 171, scriptAt: 180, publishedAt: 182 };

  it("splits the time from the start of the process to the message in Redis", () => {
    expect(stagesOf(times)).toEqual({ boot: 20, load: 50, connect: 9, publish: 2, cold: 82 });
  });

  it("has the medians of the stages, and the median of cold over warm", () => {
    const samples = [1, 2, 4].map((warm) => ({ ...stagesOf(times), warm }));

    expect(toStartRows([{ name: "one Redis", samples }])).toMatchObject([
      { runs: 3, stages: { cold: { median: 82 }, warm: { median: 2, minimum: 1, maximum: 4 } }, timesWarm: 41 },
    ]);
  });
});

describe("the conditions", () => {
  it("mark figures as noisy if other processes used much of the CPU", () => {
    const usage = { cores: 2, micros: 1_000, own: 1_000 };

    expect(verdict(foreignShare({ ...usage, busy: 1_100 }))).toBe("Others had 5 % of the machine meanwhile.");
    expect(verdict(foreignShare({ ...usage, busy: 1_800 }))).toContain("Noisy: others had 40 %");
    expect(foreignShare({ ...usage, busy: 900 })).toBe(0);
  });
});

describe("three even shards", () => {
  it.each([
    ["market:orderbook", 2],
    ["market:prices", 3],
    ["market:trades", 3],
    ["monitor:signals", 3],
  ] as const)("have all of %s on number %d, as docs/publishing.md says", (channel, shard) => {
    const keys = channel === "monitor:signals" ? [undefined] : ["market-1", "market-2", "market-3"];
    const shards = keys.map((key) => {
      const slot = clusterKeySlot(streamKey({ channel, key }));
      return Math.floor((slot * 3) / 16_384) + 1;
    });

    expect(new Set(shards)).toEqual(new Set([shard]));
  });
});

describe("the report", () => {
  const report = {
    conditions: "2026-01-01.",
    publishing: toRows(measured, "cluster, 1 shard"),
    starts: [],
    memory: [{ published: 50_000, streams: 100, entries: 30_000, megabytes: 9.2, bytesPerSeenEvent: 8 }],
  };

  it("is Markdown, with as many cells in a row as in its head", () => {
    const tables = toMarkdown(report)
      .split("\n\n")
      .filter((part) => part.startsWith("|"))
      .map((part) => part.split("\n").map((row) => row.split("|").length));

    expect(tables).toHaveLength(3);
    for (const widths of tables) expect(new Set(widths).size).toBe(1);
    expect(toMarkdown(report)).toContain(
      "| cluster, 2 shards | `publish()` | 75.0 (50.0–100) | 10.0 | 50.0 | 3.8 |  | 63 % |",
    );
  });

  it("takes the place of what was between the markers", () => {
    const page = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb";

    expect(between(page, "x", "new")).toBe("a\n<!-- x:begin -->\nnew\n<!-- x:end -->\nb");
    expect(() => between(page, "y", "new")).toThrow("<!-- y:begin -->");
  });
});
