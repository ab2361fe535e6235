import type { Server } from "socket.io";
import type { Metrics } from "../metrics.ts";
import { type EngineConnection, terminate } from "../socket-io/engine-connection.ts";
import { TokenBucket } from "./token-bucket.ts";

/**
 * Limit of the traffic from one connection, checked before a packet is parsed: far above what a client of ours sends. A
 * packet costs one token, and one more for every thousand bytes.
 */
const TRAFFIC_LIMIT = { rate: 200, burst: 4_000 };

function sizeOf(data: unknown): number {
  if (typeof data === "string") return data.length;
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data.byteLength : 0;
}

/** Terminates connections that exceed the traffic limit, before their packets cost more CPU than reading them. */
export function limitTraffic(engine: Server["engine"], metrics: Metrics): void {
  const receivedBytes = metrics.receivedBytes.labels("clients");
  engine.on("connection", (connection: EngineConnection) => {
    const bucket = new TokenBucket(TRAFFIC_LIMIT);
    connection.on("packet", ({ data }: { data?: unknown }) => {
      const size = sizeOf(data);
      receivedBytes.inc(size);
      if (bucket.take(1 + size / 1_000)) return;
      metrics.connectionsRefused.inc({ code: "rate_limited" });
      terminate(connection);
    });
  });
}
