import { afterEach, describe, expect, it, vi } from "vitest";
import type { Channel } from "../../contract/channels.ts";
import type { StaleMessage } from "../../kernel/streams/publisher.ts";
import { createPublishReport } from "../../publisher/publish-report.ts";

const silent = { warn: () => undefined };

const stale = (channel: Channel, key: string, staleForMs: number): StaleMessage => ({
  ...{ stream: { channel, key }, status: "stale", version: 1, heldVersion: 2 },
  ...{ staleSince: 3, staleForMs },
});

/** Returns what is written to the process's output meanwhile: CloudWatch reads metrics there. */
async function linesOf(work: () => Promise<void>): Promise<unknown[]> {
  const lines: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((line) => lines.push(String(line)) > 0);
  await work();
  vi.restoreAllMocks();
  return lines.map((line) => JSON.parse(line));
}

describe("the metrics of a function", () => {
  afterEach(() => vi.restoreAllMocks());

  it("count stale messages and resets by channel, and frozen streams once each", async () => {
    const report = createPublishReport({ logger: silent, functionName: "orders" });
    const written = await linesOf(async () => {
      for (const key of ["a", "a", "b"]) report.listener.stale?.(stale("market:prices", key, 30_000));
      report.listener.stale?.(stale("market:prices", "c", 29_999));
      report.listener.reset?.({ channel: "market:trades", key: "a" }, "id 9-0");
      await report.flush();
    });

    expect(written).toMatchObject([
      { FrozenStreams: 2, FunctionName: "orders", service: "publish" },
      { StaleMessages: 4, FunctionName: "orders", Channel: "market:prices" },
      { StreamResets: 1, FunctionName: "orders", Channel: "market:trades" },
    ]);
    expect(written[0]).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: "VeztaRealtime", Dimensions: [["service", "FunctionName"]] }] },
    });
  });

  it("count suspicious data by channel and reason", async () => {
    const report = createPublishReport({ logger: silent, functionName: "market-data" });
    const stream = { channel: "market:orderbook", key: "a" } as const;
    const written = await linesOf(async () => {
      report.listener.suspicious?.(stream, ["crossed_book", "dropped_levels"]);
      report.listener.suspicious?.(stream, ["crossed_book"]);
      report.listener.suspicious?.({ channel: "market:prices", key: "a" }, ["prices_not_one"]);
      await report.flush();
    });

    expect(written).toMatchObject([
      { CrossedBooks: 2, FunctionName: "market-data", Channel: "market:orderbook" },
      { DroppedLevels: 1, FunctionName: "market-data", Channel: "market:orderbook" },
      { PricesNotOne: 1, FunctionName: "market-data", Channel: "market:prices" },
    ]);
  });

  it("are written once, and not at all where there is nothing to count", async () => {
    const report = createPublishReport({ logger: silent, functionName: "orders" });
    expect(report.flush()).toBeUndefined();
    report.listener.stale?.(stale("market:prices", "a", 0));
    expect(await linesOf(async () => report.flush())).toHaveLength(1);
    expect(report.flush()).toBeUndefined();
  });

  it("are off without a function's name, while the log goes on", async () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message) };
    const report = createPublishReport({ logger, functionName: undefined });
    report.listener.stale?.(stale("market:prices", "a", 30_000));
    expect(report.flush()).toBeUndefined();
    expect(warnings).toEqual(["older state not published"]);
  });
});
