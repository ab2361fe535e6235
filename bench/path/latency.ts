import { setTimeout as delay } from "node:timers/promises";
import type { DataMessage } from "../../contract/messages.ts";
import { type MeasuredPath, trade } from "./setup.ts";

const MARKETS = 10;

export interface LatencyOptions {
  /** Messages per second, over ten markets. */
  readonly rate: number;
  /** Each has one market. */
  readonly clients: number;
  readonly seconds: number;
  readonly progress: (text: string) => void;
}

/**
 * Times from when a message was due to be published (so that a late publisher does not hide a wait) to the client's
 * handler, in ms. Clients and publisher share one process, and so one clock.
 */
export async function measureLatency(path: MeasuredPath, { rate, clients, seconds, progress }: LatencyOptions) {
  const due = new Map<string, number>();
  const samples: number[] = [];
  const onData = ({ data }: DataMessage): void => {
    const start = due.get((data as { id: string }).id);
    if (start !== undefined) samples.push(performance.now() - start);
  };
  for (let index = 0; index < clients; index += 1) {
    const socket = await path.connect({ channel: "market:trades", marketId: `latency-${index % MARKETS}` });
    socket.on("data", onData);
  }
  const total = rate * seconds;
  const warmUp = Math.floor(total / 10);
  const start = performance.now();
  const pending: Promise<unknown>[] = [];
  for (let sent = 0; sent < total; ) {
    const now = performance.now();
    for (; sent < total && start + (sent * 1_000) / rate <= now; sent += 1) {
      const id = `latency-${sent}`;
      if (sent >= warmUp) due.set(id, start + (sent * 1_000) / rate);
      pending.push(path.publisher.publish([trade(`latency-${sent % MARKETS}`, id)]));
    }
    progress(`latency: ${sent} of ${total} messages`);
    await delay(1);
  }
  await Promise.all(pending);
  const expected = (due.size * clients) / MARKETS;
  for (let turn = 0; samples.length < expected && turn < 100; turn += 1) await delay(50);
  samples.sort((a, b) => a - b);
  const percentile = (share: number): number => Number((samples[Math.floor(samples.length * share)] ?? 0).toFixed(2));
  return {
    messagesPerSecond: rate,
    clients,
    deliveries: samples.length,
    missing: expected - samples.length,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    maximumMs: percentile(0.999999),
  };
}
