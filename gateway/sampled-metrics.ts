import { Gauge, type Registry } from "prom-client";
import { channelNames } from "../contract/channels.ts";
import type { FanOut } from "./fan-out/fan-out.ts";
import type { StreamHub } from "./streams/stream-hub.ts";

interface Sources {
  readonly registry: Registry;
  readonly hub: Pick<StreamHub, "countLeases">;
  readonly fanOut: Pick<FanOut, "waitingClients" | "compressionMemoryBytes" | "flushRestMs">;
}

/** Registers gauges that are computed when `/metrics` is read: what they show is there already, and counting it costs nothing before. */
export function registerSampledMetrics({ registry, hub, fanOut }: Sources): void {
  const registers = [registry];
  new Gauge({
    name: "rt_subscriptions",
    help: "Current number of subscriptions of clients, by channel",
    labelNames: ["channel"],
    registers,
    collect() {
      const counts = hub.countLeases();
      for (const channel of channelNames) this.set({ channel }, counts.get(channel) ?? 0);
    },
  });
  new Gauge({
    name: "rt_waiting_clients",
    help: "Current number of clients with messages in their send buffer that they do not take",
    registers,
    collect() {
      this.set(fanOut.waitingClients);
    },
  });
  new Gauge({
    name: "rt_compression_memory_bytes",
    help: "Memory for sent messages that later ones are compressed against",
    registers,
    collect() {
      this.set(fanOut.compressionMemoryBytes);
    },
  });
  new Gauge({
    name: "rt_flush_window_seconds",
    help: "Time for which messages are collected after the last flush: 0 on an idle gateway, RT_FAN_OUT_WINDOW_MS at most",
    registers,
    collect() {
      this.set(fanOut.flushRestMs / 1_000);
    },
  });
}
