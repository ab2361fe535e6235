import { type Measure, type Measurement, measureNames } from "./measurement.ts";
import type { ServerName } from "./servers/servers.ts";
import type { ShapeName } from "./shapes.ts";
import { type Spread, spread } from "./statistics.ts";

/** Above this share of its core the load side, not the server, may be what limits. */
const BUSY = 0.85;

/** Above this share others than the server had so much of its core that figures are not to be trusted. */
const DISTURBED = 0.15;

/** One line of the result: a server under one shape. Figures are medians of the runs; null where there is none. */
export interface Row {
  readonly shape: ShapeName;
  readonly server: ServerName;
  readonly cpuMicrosPerDelivery: number | null;
  readonly deliveriesPerSecond: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly runs: number;
  /** Every measure of the shape, with its spread over the runs. */
  readonly measures: Readonly<Partial<Record<Measure, Spread>>>;
  /** Each measure over that of stock Socket.IO, and of native µWebSockets, in the same run of the bench. */
  readonly overStock: Readonly<Partial<Record<Measure, number>>>;
  readonly overNative: Readonly<Partial<Record<Measure, number>>>;
  /** True if the load's core was so busy that the server may have been able to do more. */
  readonly isClientBound: boolean;
  /** True if others used the server's core meanwhile. */
  readonly isDisturbed: boolean;
  /** Deliveries over all runs, and those that were still missing when the wait for them ended. */
  readonly deliveries: number;
  readonly missing: number;
  /** RSS in bytes, once a second; of the last run, in shapes that watch it. */
  readonly rssSeries?: readonly number[];
}

/** Sums up the runs of one server under one shape. */
export function toRow(shape: ShapeName, server: ServerName, runs: readonly Measurement[]): Row {
  const measures: Partial<Record<Measure, Spread>> = {};
  for (const name of measureNames) {
    const values = runs.map((run) => run.values[name] ?? Number.NaN).filter(Number.isFinite);
    if (values.length > 0) measures[name] = spread(values);
  }
  const sum = (name: "expected" | "deliveries"): number => runs.reduce((total, run) => total + run[name], 0);
  const rssSeries = runs.at(-1)?.rssSeries;
  return {
    shape,
    server,
    cpuMicrosPerDelivery: measures.cpuMicrosPerDelivery?.median ?? null,
    deliveriesPerSecond: measures.deliveriesPerSecond?.median ?? null,
    p50Ms: measures.p50Ms?.median ?? null,
    p99Ms: measures.p99Ms?.median ?? null,
    runs: runs.length,
    measures,
    overStock: {},
    overNative: {},
    isClientBound: (measures.loadShare?.median ?? 0) > BUSY,
    isDisturbed: (measures.foreignShare?.median ?? 0) > DISTURBED,
    deliveries: sum("deliveries"),
    missing: sum("expected") - sum("deliveries"),
    ...(rssSeries ? { rssSeries } : {}),
  };
}

function ratios(row: Row, base: Row | undefined): Partial<Record<Measure, number>> {
  const result: Partial<Record<Measure, number>> = {};
  for (const name of measureNames) {
    const [own, other] = [row.measures[name]?.median, base?.measures[name]?.median];
    if (own !== undefined && other) result[name] = own / other;
  }
  return result;
}

const fiveDigits = (_: string, value: unknown): unknown =>
  typeof value === "number" ? Number(value.toPrecision(5)) : value;

/** Rows as they are written to a file, one a line; five digits are more than any measurement has. */
export const toJson = (rows: readonly Row[]): string =>
  `[\n${rows.map((row) => JSON.stringify(row, fiveDigits)).join(",\n")}\n]\n`;

/** Reads what `toJson` wrote. */
export const fromJson = (text: string): Row[] => JSON.parse(text);

/** Adds each row's ratios to stock's and native's rows of the same shape. */
export const withRatios = (rows: readonly Row[]): Row[] =>
  rows.map((row) => {
    const other = (name: ServerName): Row | undefined =>
      rows.find(({ shape, server }) => shape === row.shape && server === name);
    return { ...row, overStock: ratios(row, other("stock")), overNative: ratios(row, other("uws")) };
  });
