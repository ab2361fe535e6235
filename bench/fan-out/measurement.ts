import { SERVER_CORE } from "./cores.ts";
import type { LoadReport } from "./load-client.ts";
import { busyMicros, cpuMicros, treeOf } from "./process-usage.ts";

/** All measures; the shape decides which of them are taken. Shares are of one core, from 0 to 1. */
export const measureNames = [
  "cpuMicrosPerDelivery",
  "deliveriesPerSecond",
  "p50Ms",
  "p99Ms",
  "bytesPerDelivery",
  // A message published and a client that is to get it, whether it has led to a delivery or was left out.
  "bytesPerMessage",
  "cpuMicrosPerMessage",
  "bytesPerSecond",
  // A message published: what Redis and the publisher take for it, and what Redis writes to both ends.
  "redisCpuMicros",
  "redisBytes",
  "publisherCpuMicros",
  // One client in Node that reads whole what it gets: a message published that it is to get.
  "applicationCpuMicros",
  "cpuMicrosPerHandshake",
  "handshakesPerSecond",
  // RSS that one more idle connection takes.
  "bytesPerConnection",
  "rssBytes",
  "rssAtStartBytes",
  "rssPeakBytes",
  "serverShare",
  "clientShare",
  "redisShare",
  // Clients, Redis and publisher together: all that shares the load's core.
  "loadShare",
  // What others than the server took of the server's core.
  "foreignShare",
] as const;

export type Measure = (typeof measureNames)[number];

/** Results of one phase with one server. */
export interface Measurement {
  /** Deliveries that the messages sent should have led to. */
  readonly expected: number;
  readonly deliveries: number;
  readonly values: Readonly<Partial<Record<Measure, number>>>;
  /** RSS of the server, once a second; in shapes that watch it. */
  readonly rssSeries?: readonly number[];
}

/** The processes whose CPU time is read. */
export interface Parts {
  readonly server: number;
  readonly client: number;
  readonly redis: number;
  /** The client of an application, in shapes that have one. */
  readonly application?: number | undefined;
}

/** CPU time of each part so far, in microseconds; `core` is all that ran on the server's core. */
export type PartsUsage = Readonly<Record<keyof Parts | "publisher" | "core", number>>;

export const usageOf = ({ server, client, redis, application }: Parts): PartsUsage => ({
  server: treeOf(server).reduce((sum, pid) => sum + cpuMicros(pid), 0),
  client: cpuMicros(client),
  redis: cpuMicros(redis),
  application: application === undefined ? 0 : cpuMicros(application),
  publisher: cpuMicros(process.pid),
  core: busyMicros(SERVER_CORE),
});

/** Shares of a core that the parts took, over `wall` microseconds. */
export function sharesOf(before: PartsUsage, after: PartsUsage, wall: number): Measurement["values"] {
  const share = (part: keyof PartsUsage): number => (after[part] - before[part]) / wall;
  return {
    serverShare: share("server"),
    clientShare: share("client"),
    redisShare: share("redis"),
    loadShare: share("client") + share("application") + share("redis") + share("publisher"),
    foreignShare: Math.max(0, share("core") - share("server")),
  };
}

export interface Phase {
  /** In microseconds of the monotonic clock. */
  readonly startedAt: number;
  readonly before: PartsUsage;
  readonly after: PartsUsage;
  /** Messages published. */
  readonly messages: number;
  /** Deliveries that they lead to where none is left out. */
  readonly expected: number;
  /** Those of the messages that the application's client is to get; 0 where there is none. */
  readonly forApplication: number;
  /** True where older values may have been left out. */
  readonly skipsOlder: boolean;
  readonly report: LoadReport;
  readonly rssBytes: number;
  /** Bytes that Redis has written. */
  readonly redisBytes: number;
}

/** A time of the load client, in ms. */
const toMs = (micros: number | undefined): number => (micros ?? Number.NaN) / 1_000;

/** Makes figures of what was counted from the start of a phase to its last delivery. */
export function toMeasurement(phase: Phase): Measurement {
  const { startedAt, before, after, messages, expected, skipsOlder, report, rssBytes, redisBytes } = phase;
  const applicationCpu = (after.application - before.application) / phase.forApplication;
  const { deliveries, bytes } = report;
  const wall = report.lastAt - startedAt;
  const serverCpu = after.server - before.server;
  return {
    // Where values may be left out, each client has at least got one.
    expected: skipsOlder && report.fewest > 0 ? deliveries : expected,
    deliveries,
    values: {
      cpuMicrosPerDelivery: serverCpu / deliveries,
      deliveriesPerSecond: (deliveries * 1e6) / wall,
      p50Ms: toMs(report.p50),
      p99Ms: toMs(report.p99),
      bytesPerDelivery: bytes / deliveries,
      bytesPerMessage: bytes / expected,
      cpuMicrosPerMessage: serverCpu / expected,
      bytesPerSecond: (bytes * 1e6) / wall,
      redisCpuMicros: (after.redis - before.redis) / messages,
      redisBytes: redisBytes / messages,
      publisherCpuMicros: (after.publisher - before.publisher) / messages,
      ...(phase.forApplication > 0 ? { applicationCpuMicros: applicationCpu } : {}),
      rssBytes,
      ...sharesOf(before, after, wall),
    },
  };
}
