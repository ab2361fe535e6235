import { describe, expect, it } from "vitest";
import { drawCharts } from "../../bench/fan-out/charts.ts";
import type { Measurement } from "../../bench/fan-out/measurement.ts";
import { toMarkdown } from "../../bench/fan-out/report.ts";
import { fromJson, toJson, toRow, withRatios } from "../../bench/fan-out/row.ts";
import { createShapes, shapeNames } from "../../bench/fan-out/shapes.ts";
import { median, spread } from "../../bench/fan-out/statistics.ts";

const run = (cpuMicrosPerDelivery: number, changes: Measurement["values"] = {}): Measurement => ({
  expected: 1_000,
  deliveries: 1_000,
  values: {
    cpuMicrosPerDelivery,
    deliveriesPerSecond: 5,
    p50Ms: 1,
    p99Ms: 2,
    loadShare: 0.5,
    foreignShare: 0,
    ...changes,
  },
});

describe("median", () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
    [[10, 9, 100], 10],
  ])("of %j is %d", (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it("of an empty list is NaN", () => {
    expect(median([])).toBeNaN();
  });
});

describe("spread", () => {
  it("has the middle and both ends", () => {
    expect(spread([5, 1, 9, 2, 3])).toEqual({ median: 3, minimum: 1, maximum: 9 });
  });
});

describe("a row", () => {
  it("has the medians of its runs", () => {
    expect(toRow("bursts", "gateway", [run(3), run(1), run(2)])).toMatchObject({
      ...{ shape: "bursts", server: "gateway", runs: 3, cpuMicrosPerDelivery: 2, p50Ms: 1, p99Ms: 2 },
      measures: { cpuMicrosPerDelivery: { median: 2, minimum: 1, maximum: 3 } },
    });
  });

  it("counts what was not delivered in any run", () => {
    const row = toRow("bursts", "gateway", [run(1), { ...run(1), deliveries: 990 }]);

    expect(row).toMatchObject({ deliveries: 1_990, missing: 10 });
  });

  it.each([
    [{ loadShare: 0.84 }, { isClientBound: false, isDisturbed: false }],
    [{ loadShare: 0.86 }, { isClientBound: true, isDisturbed: false }],
    [{ foreignShare: 0.16 }, { isClientBound: false, isDisturbed: true }],
  ])("with %j is %j", (values, expected) => {
    expect(toRow("bursts", "gateway", [run(1, values)])).toMatchObject(expected);
  });

  it("has null for what the shape does not measure", () => {
    const idle = { expected: 0, deliveries: 0, values: { bytesPerConnection: 9_000 } };

    expect(toRow("idle", "ws", [idle])).toMatchObject({ cpuMicrosPerDelivery: null, p50Ms: null });
  });

  it("is compared with stock and native under the same shape", () => {
    const rows = withRatios([
      toRow("bursts", "gateway", [run(2)]),
      toRow("bursts", "stock", [run(10)]),
      toRow("bursts", "uws", [run(1)]),
      toRow("singles", "gateway", [run(3)]),
    ]);

    expect(
      rows.map(({ overStock, overNative }) => [overStock.cpuMicrosPerDelivery, overNative.cpuMicrosPerDelivery]),
    ).toEqual([
      [0.2, 2],
      [1, 10],
      [0.1, 1],
      [undefined, undefined],
    ]);
  });

  it("is the same after writing and reading a file, to five digits", () => {
    const rows = [toRow("bursts", "gateway", [run(1 / 3)])];

    expect(fromJson(toJson(rows))).toMatchObject([{ cpuMicrosPerDelivery: 0.33333, shape: "bursts" }]);
  });
});

describe("a report", () => {
  const rows = withRatios([
    toRow("bursts", "gateway", [run(1), run(2), run(3)]),
    toRow("bursts", "stock", [{ ...run(16, { loadShare: 0.9 }), deliveries: 999 }]),
  ]);

  it("has a table for each shape with figures, ratios and doubtful results", () => {
    const shapes = createShapes();

    const lines = toMarkdown(rows, new Map(shapeNames.map((name) => [name, shapes[name]]))).split("\n");

    expect(lines.filter((line) => line.startsWith("#"))).toEqual([expect.stringContaining("`bursts`")]);
    expect(lines.find((line) => line.startsWith("| gateway"))).toMatch(
      /^\| gateway \| 2\.00 \(1\.00–3\.00\) .*\| 0\.13 \|/,
    );
    expect(lines.find((line) => line.startsWith("| stock"))).toContain("1 of 1000 not delivered in time, client-bound");
  });

  it("has every chart that the rows have data for", async () => {
    const charts = await drawCharts(rows);

    expect([...charts.keys()]).toEqual(["cpu.svg", "latency.svg"]);
    expect(charts.get("cpu.svg")).toMatch(/>this gateway<.*>16</s);
  });
});
