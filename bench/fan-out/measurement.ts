import type { LoadReport } from "./load-client.ts";
import { cpuMicros, residentBytes } from "./process-usage.ts";

/** What one phase with one server showed. Shares are of one core, from 0 to 1. */
export interface Measurement {
  /** Deliveries that the messages sent should have led to. */
  readonly expected: number;
  readonly deliveries: number;
  readonly cpuMicrosPerDelivery: number;
  readonly deliveriesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bytesPerDelivery: number;
  readonly serverShare: number;
  readonly clientShare: number;
  readonly redisShare: number;
  /** Load client, Redis and publisher together: all that shares the load's core. */
  readonly loadShare: number;
  readonly rssBytes: number;
}

/** The processes whose CPU time is read. */
export interface Parts {
  readonly server: number;
  readonly client: number;
  readonly redis: number;
}

/** CPU time of each part so far, in microseconds. */
export type PartsUsage = Readonly<Record<keyof Parts | "publisher", number>>;

export const usageOf = ({ server, client, redis }: Parts): PartsUsage => ({
  server: cpuMicros(server),
  client: cpuMicros(client),
  redis: cpuMicros(redis),
  publisher: cpuMicros(process.pid),
});

export interface Phase {
  readonly parts: Parts;
  /** In microseconds of the monotonic clock. */
  readonly startedAt: number;
  readonly before: PartsUsage;
  readonly after: PartsUsage;
  readonly expected: number;
  readonly report: LoadReport;
}

/** Makes figures of what was counted from the start of a phase to its last delivery. */
export function toMeasurement({ parts, startedAt, before, after, expected, report }: Phase): Measurement {
  const wall = report.lastAt - startedAt;
  const used = (part: keyof PartsUsage): number => after[part] - before[part];
  return {
    expected,
    deliveries: report.deliveries,
    cpuMicrosPerDelivery: used("server") / report.deliveries,
    deliveriesPerSecond: (report.deliveries * 1e6) / wall,
    p50Ms: (report.p50 ?? Number.NaN) / 1_000,
    p99Ms: (report.p99 ?? Number.NaN) / 1_000,
    bytesPerDelivery: report.bytes / report.deliveries,
    serverShare: used("server") / wall,
    clientShare: used("client") / wall,
    redisShare: used("redis") / wall,
    loadShare: (used("client") + used("redis") + used("publisher")) / wall,
    rssBytes: residentBytes(parts.server),
  };
}
