import { setTimeout as delay } from "node:timers/promises";
import { type Measurement, sharesOf } from "./measurement.ts";
import { residentBytes } from "./process-usage.ts";
import type { Session } from "./session.ts";
import type { Trial } from "./shapes.ts";

const SAMPLE_MS = 1_000;

/** Time for what connecting has left behind: timers, answers under way. */
const IDLE_SETTLE_MS = 1_000;

type Of<K extends Trial["kind"]> = Extract<Trial, { kind: K }>;

async function measureConnecting(session: Session, { warmUp, clients, window }: Of<"connect">): Promise<Measurement> {
  await session.connect(warmUp, window);
  await session.client.begin(0, () => undefined);
  const before = session.usage();
  const micros = await session.connect(clients, window);
  const after = session.usage();
  const { p50 = Number.NaN, p99 = Number.NaN } = await session.client.report();
  return {
    expected: 0,
    deliveries: 0,
    values: {
      cpuMicrosPerHandshake: (after.server - before.server) / clients,
      handshakesPerSecond: (clients * 1e6) / micros,
      p50Ms: p50 / 1_000,
      p99Ms: p99 / 1_000,
      ...sharesOf(before, after, micros),
    },
  };
}

async function measureIdle(session: Session, { first, all }: Of<"idle">): Promise<Measurement> {
  const settled = async (): Promise<number> => {
    await delay(IDLE_SETTLE_MS);
    await session.collectGarbage();
    return residentBytes(session.pids.server);
  };
  await session.connect(first);
  const withFirst = await settled();
  await session.connect(all - first);
  const withAll = await settled();
  const values = { bytesPerConnection: (withAll - withFirst) / (all - first), rssBytes: withAll };
  return { expected: 0, deliveries: 0, values };
}

async function measureStalled(session: Session, { clients, traffic }: Of<"stalled">): Promise<Measurement> {
  await session.stall(clients);
  const rssSeries = [residentBytes(session.pids.server)];
  const sampling = setInterval(() => rssSeries.push(residentBytes(session.pids.server)), SAMPLE_MS);
  try {
    const measurement = await session.measure(traffic);
    const [rssAtStartBytes = Number.NaN] = rssSeries;
    const values = { ...measurement.values, rssAtStartBytes, rssPeakBytes: Math.max(...rssSeries) };
    return { ...measurement, values, rssSeries };
  } finally {
    clearInterval(sampling);
  }
}

/** True if the trial expects all clients to be connected and the server to be warm. */
export const needsClients = ({ kind }: Trial): boolean => kind === "traffic" || kind === "stalled";

/** Does what the shape is about, once, with one server. */
export function runTrial(session: Session, trial: Trial): Promise<Measurement> {
  switch (trial.kind) {
    case "traffic":
      return session.measure(trial.traffic);
    case "connect":
      return measureConnecting(session, trial);
    case "idle":
      return measureIdle(session, trial);
    case "stalled":
      return measureStalled(session, trial);
    default:
      return trial satisfies never;
  }
}
