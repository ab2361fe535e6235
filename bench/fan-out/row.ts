import type { Measurement } from "./measurement.ts";
import type { ServerName } from "./servers/servers.ts";
import type { ShapeName } from "./shapes.ts";
import { type Spread, spread } from "./statistics.ts";

/** Above this share of its core the load side, not the server, may be what limits. */
const BUSY = 0.85;

/** One line of the result: a server under one shape, medians over its runs. */
export interface Row {
  readonly shape: ShapeName;
  readonly server: ServerName;
  readonly cpuMicrosPerDelivery: number | null;
  readonly deliveriesPerSecond: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly runs: number;
  /** Over stock's in the same run of the bench; null where stock was not measured. */
  readonly cpuRatio: number | null;
  readonly cpuSpread: Spread;
  readonly deliveriesSpread: Spread;
  readonly p50Spread: Spread;
  readonly p99Spread: Spread;
  readonly serverShare: number;
  readonly clientShare: number;
  readonly redisShare: number;
  readonly loadShare: number;
  /** Whether the load's core was so busy that the server may have been able to do more. */
  readonly isClientBound: boolean;
  /** Messages that reached fewer clients than they should have, over all runs. */
  readonly missing: number;
  readonly deliveries: number;
  readonly bytesPerDelivery: number;
  readonly rssBytes: number;
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Sums up the runs of one server under one shape. */
export function toRow(shape: ShapeName, server: ServerName, runs: readonly Measurement[]): Row {
  const over = (name: keyof Measurement): Spread => spread(runs.map((run) => run[name]));
  const sum = (name: keyof Measurement): number => runs.reduce((total, run) => total + run[name], 0);
  const loadShare = over("loadShare").median;
  return {
    shape,
    server,
    cpuMicrosPerDelivery: orNull(over("cpuMicrosPerDelivery").median),
    deliveriesPerSecond: orNull(over("deliveriesPerSecond").median),
    p50Ms: orNull(over("p50Ms").median),
    p99Ms: orNull(over("p99Ms").median),
    runs: runs.length,
    cpuRatio: null,
    cpuSpread: over("cpuMicrosPerDelivery"),
    deliveriesSpread: over("deliveriesPerSecond"),
    p50Spread: over("p50Ms"),
    p99Spread: over("p99Ms"),
    serverShare: over("serverShare").median,
    clientShare: over("clientShare").median,
    redisShare: over("redisShare").median,
    loadShare,
    isClientBound: loadShare > BUSY,
    missing: sum("expected") - sum("deliveries"),
    deliveries: sum("deliveries"),
    bytesPerDelivery: over("bytesPerDelivery").median,
    rssBytes: over("rssBytes").median,
  };
}

/** Adds each row's ratio to stock's under the same shape. */
export const withRatios = (rows: readonly Row[]): Row[] =>
  rows.map((row) => {
    const base = rows.find(({ shape, server }) => shape === row.shape && server === "stock")?.cpuMicrosPerDelivery;
    const own = row.cpuMicrosPerDelivery;
    return { ...row, cpuRatio: base && own !== null ? own / base : null };
  });
